/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_H
#define INSPECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* -1 when the process has ended. */
pid_t pid_of(int pidfd);
bool is_alive(int pidfd);

/* Whether a process belongs to the requester; `helper` does by construction. */
bool belongs_to(pid_t pid, uid_t requester, pid_t helper);

/* Whether nobody but root can look into the helper, `pidfd`, and nobody traces it. */
bool is_closed_to_others(pid_t helper, int pidfd);

/* Whether the process has mapped that file executable from `first` to `end`: addresses, the second one exclusive. */
bool is_mapped_executable(pid_t pid, uint64_t first, uint64_t end, int file);

#endif
