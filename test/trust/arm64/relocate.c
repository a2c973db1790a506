/*
 * relocate OBJECT BTF: loads the programs of OBJECT that do not use this
 * machine's registers, with field offsets from BTF. The verifier of this kernel
 * checks them as they would run there. libbpf's messages, for all programs, go
 * to standard output. Exit status 0 if all were loaded.
 */
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	return vprintf(format, arguments);
}

/* kprobe programs read the kernel only by copying; the types of others are checked against the running kernel's. */
static bool can_be_loaded(const struct bpf_program *program)
{
	return strstr(bpf_program__section_name(program), "probe/") != NULL;
}

int main(int count, char **arguments)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = arguments[2]);
	struct bpf_program *program;
	struct bpf_object *object;

	if (count != 3)
		return 2;
	libbpf_set_print(print);
	/* Twice: what is not to be loaded is not relocated; all are, before the first one is refused. */
	for (int all = 0; all < 2; all++) {
		object = bpf_object__open_file(arguments[1], &options);
		if (!object)
			return 2;
		bpf_object__for_each_program(program, object)
			bpf_program__set_autoload(program, all || can_be_loaded(program));
		if (bpf_object__load(object) && !all)
			return 1;
		bpf_object__close(object);
	}
	return 0;
}
