/* DOC: the lists of system calls, loaded by libseccomp; see filter.h. */
#include "agent/filter.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* What any program on an event loop with threads does. */
static const int common[] = {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(statx), SCMP_SYS(lseek), SCMP_SYS(fcntl), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2), SCMP_SYS(pipe2),
	SCMP_SYS(socketpair), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), SCMP_SYS(connect),
	SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid),
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(getrandom), SCMP_SYS(uname),
	SCMP_SYS(sysinfo), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group)};

/* Files, netlink, the end of children. */
static const int of_apply[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(pread64),
	SCMP_SYS(pwrite64), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(chmod), SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat), SCMP_SYS(fchown), SCMP_SYS(umask), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(flock),
	SCMP_SYS(memfd_create), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(bind),
	SCMP_SYS(listen), SCMP_SYS(accept4), SCMP_SYS(ioctl), SCMP_SYS(wait4), SCMP_SYS(waitid),
	SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(prctl), SCMP_SYS(capget), SCMP_SYS(getrusage), SCMP_SYS(prlimit64)};

/* The leak check at the end of a build with sanitizers stops this process from a thread of its own
 * by ptrace; net leaves without that check. Such builds are for tests only. */
static const int of_sanitizers[] = {SCMP_SYS(ptrace), SCMP_SYS(clone), SCMP_SYS(prctl),
	SCMP_SYS(wait4), SCMP_SYS(tgkill), SCMP_SYS(kill), SCMP_SYS(mprotect), SCMP_SYS(mmap)};

/* Nothing either process ever does: whoever tries has taken it over. */
static const int fatal[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(mount),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(bpf)};

/* Refused to spawn and to all it starts. */
static const int of_no_program[] = {SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(acct), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime), SCMP_SYS(quotactl), SCMP_SYS(iopl), SCMP_SYS(ioperm),
	SCMP_SYS(syslog), SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(mknod),
	SCMP_SYS(mknodat), SCMP_SYS(io_uring_setup)};

/* Calls this architecture does not have are skipped. */
static int add(scmp_filter_ctx f, uint32_t action, const int calls[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(f, action, calls[i], 0);

		if (r < 0 && r != -EDOM && r != -EACCES) /* EACCES: it is the default action */
			return r;
	}
	return 0;
}

struct rule {
	int call;
	uint32_t action;
	struct scmp_arg_cmp arg;
};

#define REFUSE(errnum) SCMP_ACT_ERRNO(errnum)
#define FAMILY(f)                                                              \
	{                                                                      \
		SCMP_SYS(socket), SCMP_ACT_ALLOW, SCMP_A0(SCMP_CMP_EQ, (f), 0) \
	}

/* A namespace of one's own gives all rights in it, and new ways into the kernel. */
#define NAMESPACE(flag)                                                                     \
	{                                                                                   \
		SCMP_SYS(clone), REFUSE(EPERM), SCMP_A0(SCMP_CMP_MASKED_EQ, (flag), (flag)) \
	}
static const struct rule no_namespaces[] = {NAMESPACE(CLONE_NEWUSER), NAMESPACE(CLONE_NEWNS),
	NAMESPACE(CLONE_NEWNET), NAMESPACE(CLONE_NEWPID), NAMESPACE(CLONE_NEWIPC),
	NAMESPACE(CLONE_NEWUTS), NAMESPACE(CLONE_NEWCGROUP)};
/* Its flags are in memory, where no filter sees them; without it everybody takes clone. */
static const int hidden_flags[] = {SCMP_SYS(clone3)};

/* Threads, but no processes; memory, but no new code. */
static const struct rule common_rules[] = {
	{SCMP_SYS(clone), SCMP_ACT_ALLOW, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
	{SCMP_SYS(mmap), SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
	{SCMP_SYS(mprotect), SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
};
static const struct rule apply_rules[] = {
	FAMILY(AF_UNIX), FAMILY(AF_NETLINK), FAMILY(AF_INET), FAMILY(AF_INET6)};
/* On sockets that are handed to it: it cannot bind. */
static const int of_net[] = {SCMP_SYS(accept4)};
/* No netlink, and no unix sockets: engines and daemons listen there. */
static const struct rule net_rules[] = {FAMILY(AF_INET), FAMILY(AF_INET6),
	{SCMP_SYS(ioctl), SCMP_ACT_ALLOW, SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0)},
	{SCMP_SYS(ioctl), SCMP_ACT_ALLOW, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0)},
	{SCMP_SYS(prlimit64), SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_EQ, 0, 0)},
	/* the interface a question came by */
	{SCMP_SYS(ioctl), SCMP_ACT_ALLOW, SCMP_A1(SCMP_CMP_EQ, SIOCGIFNAME, 0)}};
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_PATH | O_TMPFILE)
static const struct rule open_rules[] = {
	{SCMP_SYS(openat), SCMP_ACT_ALLOW,
		SCMP_A2(SCMP_CMP_MASKED_EQ, (WRITING & ~O_DIRECTORY), 0)},
	{SCMP_SYS(open), SCMP_ACT_ALLOW, SCMP_A1(SCMP_CMP_MASKED_EQ, (WRITING & ~O_DIRECTORY), 0)}};

static int add_rules(scmp_filter_ctx f, const struct rule rules[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add_array(f, rules[i].action, rules[i].call, 1, &rules[i].arg);

		if (r < 0 && r != -EDOM)
			return r;
	}
	return 0;
}

#define ADD(action, calls) (r == 0 ? add(f, action, calls, ARRAY_LEN(calls)) : r)
#define ADD_RULES(rules) (r == 0 ? add_rules(f, rules, ARRAY_LEN(rules)) : r)

static int fill(scmp_filter_ctx f, enum filter_role role, bool may_open)
{
	int r = 0;

	if (role == FILTER_SPAWN) {
		r = ADD(REFUSE(EPERM), of_no_program);
		r = ADD(REFUSE(ENOSYS), hidden_flags);
		return ADD_RULES(no_namespaces);
	}
	r = ADD(SCMP_ACT_ALLOW, common);
	if (SANITIZED && role == FILTER_APPLY)
		r = ADD(SCMP_ACT_ALLOW, of_sanitizers);
	else
		r = ADD_RULES(common_rules);
	if (role == FILTER_APPLY) {
		r = ADD(SCMP_ACT_ALLOW, of_apply);
		r = ADD_RULES(apply_rules);
	} else {
		r = ADD(SCMP_ACT_ALLOW, of_net);
		r = ADD_RULES(net_rules);
		if (may_open)
			r = ADD_RULES(open_rules);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(fatal); i++)
		if (!SANITIZED || role != FILTER_APPLY || fatal[i] != SCMP_SYS(ptrace))
			r = add(f, SCMP_ACT_KILL_PROCESS, &fatal[i], 1);
	return r;
}

int filter_set(enum filter_role role, bool may_open, struct err *e)
{
	scmp_filter_ctx f =
		seccomp_init(role == FILTER_SPAWN ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (f == NULL)
		return err_set(e, ERR_SYSTEM, "cannot make a filter of system calls");
	r = fill(f, role, may_open);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	if (r == -EINVAL || r == -ENOSYS)
		return err_set(e, ERR_UNSUPPORTED, "this kernel has no filters of system calls");
	return r < 0 ? err_errno(e, -r, "cannot set a filter of system calls") : 0;
}
