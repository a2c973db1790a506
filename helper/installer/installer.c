// SPDX-License-Identifier: MIT
/*
 * Installs the loader where only root writes, once, so that tracing needs no password from then on; and removes it
 * completely. It takes no path: everything it touches is named here. The shell command that starts it
 * (extension/elevation/install.ts) has copied it and the loader into STAGING, owned by root, and compared both copies
 * with the hashes that the user was shown, so that nothing that a user can write to runs as root.
 *
 * The installed loader gets its rights in one of two ways:
 * - file capabilities, for the users that its access list names. The real uid is the requester's. LD_* and the like are
 *   ignored, and only the capabilities below are granted. They are permitted, not effective: the loader raises them
 *   once it is connected to the requester.
 * - polkit, for users in an active local session, by `pkexec`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

/* extension/elevation/trustedLoader.ts looks here. */
#define PARENT "/usr/local/libexec"
#define FOLDER "http-trace"
#define STAGING ".http-trace-install"
#define ACTIONS "/usr/share/polkit-1/actions"
#define ACTION_FILE "http-trace.policy"

static const char action[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<!DOCTYPE policyconfig PUBLIC \"-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/PolicyKit/1.0/policyconfig.dtd\">\n"
	"<policyconfig>\n"
	"  <vendor>HTTP Trace</vendor>\n"
	"  <action id=\"http-trace.load\">\n"
	"    <description>Trace the HTTP calls of your own programs</description>\n"
	"    <message>HTTP Trace loads eBPF programs that copy what your own programs send and receive. It gives up "
	"root before it reads any of it.</message>\n"
	"    <defaults>\n"
	"      <allow_any>auth_admin</allow_any>\n"
	"      <allow_inactive>auth_admin</allow_inactive>\n"
	"      <allow_active>yes</allow_active>\n"
	"    </defaults>\n"
	"    <annotate key=\"org.freedesktop.policykit.exec.path\">" PARENT "/" FOLDER "/loader</annotate>\n"
	"  </action>\n"
	"</policyconfig>\n";

/* include/uapi/linux/posix_acl.h and posix_acl_xattr.h; the numbers are little-endian on disk and here. */
#define ACL_VERSION 2
enum acl_tag { ACL_OWNER = 1, ACL_USER = 2, ACL_GROUP_OWNER = 4, ACL_GROUP = 8, ACL_MASK = 16, ACL_OTHERS = 32 };
struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};
#define ACL_READ_EXECUTE 5
#define ACL_NO_ID UINT32_MAX
/* Users and groups that are permitted by name. */
#define MAX_NAMED 256
struct acl {
	uint32_t version;
	struct acl_entry entries[MAX_NAMED + 4];
};

static int parent = -1, staging = -1;

/* Always removes the staged copies. */
static void clean_up(void)
{
	if (staging < 0)
		return;
	unlinkat(staging, "loader", 0);
	unlinkat(staging, "installer", 0);
	unlinkat(parent, STAGING, AT_REMOVEDIR);
}

static _Noreturn void __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list arguments;

	fputs("http-trace installer: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("\n", stderr);
	clean_up();
	exit(1);
}

static int open_root_folder(int in, const char *name)
{
	struct stat status;
	int folder = openat(in, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0 || fstat(folder, &status))
		fail("The folder %s cannot be opened: %s.", name, strerror(errno));
	if (status.st_uid != 0 || status.st_mode & (S_IWGRP | S_IWOTH))
		fail("The folder %s can be written to by users other than root: nothing is installed below it.", name);
	return folder;
}

/* Opens PARENT and checks each folder on the way: a user who can rename one of them can replace the loader. */
static int open_parent(void)
{
	const char *const names[] = {"usr", "local", "libexec"};
	int folder = open_root_folder(AT_FDCWD, "/");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int next = open_root_folder(folder, names[i]);

		close(folder);
		folder = next;
	}
	return folder;
}

static bool kernel_before(unsigned int major, unsigned int minor)
{
	unsigned int own_major, own_minor;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &own_major, &own_minor) != 2)
		fail("The kernel's version cannot be read.");
	return own_major < major || (own_major == major && own_minor < minor);
}

static void permit(struct vfs_cap_data *data, int capability)
{
	data->data[capability / 32].permitted |= 1u << capability % 32;
}

static int set_capabilities(int loader)
{
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2};

	permit(&data, 39); /* CAP_BPF: load programs */
	permit(&data, 38); /* CAP_PERFMON: let them read memory, attach them */
	permit(&data, CAP_SYS_PTRACE); /* see the mappings of processes that others may not inspect, such as the helper */
	permit(&data, CAP_SETPCAP); /* to empty the bounding set */
	if (kernel_before(6, 6))
		permit(&data, CAP_SYS_ADMIN); /* uprobes, where the kernel has no uprobe_multi */
	if (kernel_before(5, 11))
		permit(&data, CAP_SYS_RESOURCE); /* maps count as locked memory */
	return fsetxattr(loader, "security.capability", &data, sizeof(data), 0);
}

/* The users and groups that the installed loader already permits; returns their number. */
static size_t read_named(int folder, struct acl_entry *named)
{
	int loader = openat(folder, "loader", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t size, count;
	size_t kept = 0;
	struct acl acl;

	if (loader < 0)
		return 0;
	size = fgetxattr(loader, "system.posix_acl_access", &acl, sizeof(acl));
	close(loader);
	if (size < (ssize_t)sizeof(acl.version) || acl.version != ACL_VERSION)
		return 0;
	count = (size - (ssize_t)sizeof(acl.version)) / (ssize_t)sizeof(*acl.entries);
	for (ssize_t i = 0; i < count && kept < MAX_NAMED; i++) {
		if (acl.entries[i].tag == ACL_USER || acl.entries[i].tag == ACL_GROUP)
			named[kept++] = acl.entries[i];
	}
	return kept;
}

/* All may read the loader, to compare it; only those that are named may execute it. */
static int set_access(int loader, const struct acl_entry *named, size_t count)
{
	struct acl acl = {.version = ACL_VERSION};
	size_t used = 0;

	acl.entries[used++] = (struct acl_entry){ACL_OWNER, 7, ACL_NO_ID};
	for (size_t i = 0; i < count; i++) {
		if (named[i].tag == ACL_USER)
			acl.entries[used++] = named[i];
	}
	acl.entries[used++] = (struct acl_entry){ACL_GROUP_OWNER, 4, ACL_NO_ID};
	for (size_t i = 0; i < count; i++) {
		if (named[i].tag == ACL_GROUP)
			acl.entries[used++] = named[i];
	}
	acl.entries[used++] = (struct acl_entry){ACL_MASK, ACL_READ_EXECUTE, ACL_NO_ID};
	acl.entries[used++] = (struct acl_entry){ACL_OTHERS, 4, ACL_NO_ID};
	return fsetxattr(loader, "system.posix_acl_access", &acl, sizeof(acl.version) + used * sizeof(*acl.entries), 0);
}

/* Whoever holds the file open, or has a hard link to it, may still execute it, so it must lose its rights first. */
static void disarm(int folder, const char *name, const char *path)
{
	int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (file < 0 && errno == ENOENT)
		return;
	if (file < 0 || (fremovexattr(file, "security.capability") && errno != ENODATA && errno != EOPNOTSUPP) || fchmod(file, 0))
		fail("The rights of %s/%s cannot be removed: %s.", path, name, strerror(errno));
	close(file);
}

static void move_into(int folder, const char *name, int file)
{
	if (fsync(file) || renameat(staging, name, folder, name) || fsync(folder))
		fail("%s/%s/%s cannot be put in its place: %s.", PARENT, FOLDER, name, strerror(errno));
	close(file);
}

static int open_staged(const char *name, mode_t mode)
{
	int file = openat(staging, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (file < 0 || fchown(file, 0, 0) || fchmod(file, mode))
		fail("The copy of the %s cannot be prepared: %s.", name, strerror(errno));
	return file;
}

static void install_loader(int folder, uid_t user)
{
	struct acl_entry named[MAX_NAMED + 1];
	size_t count = read_named(folder, named);
	int loader = open_staged("loader", 0744);
	bool known = user == 0;

	for (size_t i = 0; i < count; i++)
		known = known || (named[i].tag == ACL_USER && named[i].id == user);
	if (!known && count == MAX_NAMED)
		fail("The loader's access list is full.");
	if (!known)
		named[count++] = (struct acl_entry){ACL_USER, ACL_READ_EXECUTE, user};
	if (count == 0) {
		puts("No user was named: nobody may use the loader's file capabilities yet.");
	} else if (set_access(loader, named, count)) {
		/* Without the list, every user could use its capabilities. */
		printf("The file system has no access control lists (%s): the loader gets no capabilities.\n", strerror(errno));
	} else if (set_capabilities(loader)) {
		printf("The file system keeps no capabilities (%s).\n", strerror(errno));
	} else {
		for (size_t i = 0; i < count; i++)
			printf("Permitted by its file capabilities: %s %u.\n", named[i].tag == ACL_USER ? "user" : "group", named[i].id);
	}
	disarm(folder, "loader", PARENT "/" FOLDER);
	move_into(folder, "loader", loader);
}

/* polkit is optional. */
static void install_action(void)
{
	static const char temporary[] = "." ACTION_FILE ".new";
	int folder = open(ACTIONS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const size_t size = sizeof(action) - 1;
	int file;

	if (folder < 0)
		return;
	unlinkat(folder, temporary, 0);
	file = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (file < 0 || write(file, action, size) != (ssize_t)size || fsync(file) ||
	    renameat(folder, temporary, folder, ACTION_FILE)) {
		printf("The polkit action cannot be written: %s.\n", strerror(errno));
		unlinkat(folder, temporary, 0);
	} else {
		puts("Permitted by polkit: whoever has an active session at this machine.");
	}
	if (file >= 0)
		close(file);
	close(folder);
}

static void install(uid_t user)
{
	int folder;

	parent = open_parent();
	staging = open_root_folder(parent, STAGING);
	if (mkdirat(parent, FOLDER, 0755) && errno != EEXIST)
		fail("%s/%s cannot be made: %s.", PARENT, FOLDER, strerror(errno));
	folder = open_root_folder(parent, FOLDER);
	if (fchmod(folder, 0755))
		fail("%s/%s cannot be opened to its users: %s.", PARENT, FOLDER, strerror(errno));
	install_loader(folder, user);
	install_action();
	/* Kept, so that the uninstaller belongs to root, too. */
	move_into(folder, "installer", open_staged("installer", 0755));
	clean_up();
	printf("Installed: %s/%s/loader\n", PARENT, FOLDER);
}

static void remove_file(int folder, const char *name, const char *path)
{
	if (unlinkat(folder, name, 0) && errno != ENOENT)
		fail("%s/%s cannot be removed: %s.", path, name, strerror(errno));
}

static void remove_all(void)
{
	int actions = open(ACTIONS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int folder = open(PARENT "/" FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (actions >= 0)
		remove_file(actions, ACTION_FILE, ACTIONS);
	if (folder < 0) {
		puts("No loader is installed.");
		return;
	}
	disarm(folder, "loader", PARENT "/" FOLDER);
	remove_file(folder, "loader", PARENT "/" FOLDER);
	remove_file(folder, "installer", PARENT "/" FOLDER);
	if (rmdir(PARENT "/" FOLDER))
		fail("%s/%s cannot be removed: %s.", PARENT, FOLDER, strerror(errno));
	/* The installation may have created it; it stays if it is not empty. */
	if (rmdir(PARENT) && errno != ENOTEMPTY && errno != EEXIST)
		fail("%s cannot be removed: %s.", PARENT, strerror(errno));
	puts("Removed: " PARENT "/" FOLDER);
}

/* A decimal user id other than root's. */
static uid_t read_user(const char *text)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value == 0 || value >= UINT32_MAX)
		fail("The user must be given as a numeric user id.");
	return (uid_t)value;
}

int main(int argc, char **argv)
{
	const char *asker = getenv("SUDO_UID") ? getenv("SUDO_UID") : getenv("PKEXEC_UID");
	uid_t user = argc == 3 ? read_user(argv[2]) : asker && strcmp(asker, "0") ? read_user(asker) : 0;

	clearenv();
	umask(022);
	if (getuid() != 0 || geteuid() != 0)
		fail("Only root can do this.");
	if (chdir("/"))
		fail("The root folder cannot be entered: %s.", strerror(errno));
	if (argc < 2 || argc > 3 || (strcmp(argv[1], "install") && (strcmp(argv[1], "remove") || argc == 3)))
		fail("Usage: installer install [USER-ID], or installer remove");
	if (strcmp(argv[1], "install") == 0)
		install(user);
	else
		remove_all();
	return 0;
}
