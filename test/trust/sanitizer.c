// SPDX-License-Identifier: MIT
/* Options of the sanitized loader, which clears its environment. Leaks do not matter in a process that soon executes or ends. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1:log_to_syslog=0:use_sigaltstack=0";
}
