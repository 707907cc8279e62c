/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A QEMU (TCG) plugin that counts the guest instructions between two marks, block
 * by block, so that they can be laid on kernel functions afterwards.
 *
 *   -plugin plugin.so,out=PATH
 *
 * The marks are the long no-ops MARK_START and MARK_STOP (see flow.c): start sets
 * all counts to zero, stop appends "begin", a line "address instructions runs" for
 * each block that ran, and "end" to PATH. For one virtual CPU.
 *
 * QEMU's packages have no plugin header, so what is used of interface version 1 is
 * declared here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned int, void *), int, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);

#define EXPORT __attribute__((visibility("default")))
#define INLINE_ADD 0

EXPORT int qemu_plugin_version = 1;

/* nopl 0x52450001(%rax), nopl 0x52450002(%rax): all but the byte that tells them apart */
static const unsigned char mark_head[] = { 0x0f, 0x1f, 0x80 };
static const unsigned char mark_tail[] = { 0x00, 0x45, 0x52 };

struct block {
	uint64_t address, instructions, runs;
	struct block *before;
};

static struct block *blocks;	/* as translated; one address may be there again and again */
static char path[4096] = "instructions";

static void start(unsigned int cpu, void *unused)
{
	(void)cpu;
	(void)unused;
	for (struct block *b = blocks; b; b = b->before)
		b->runs = 0;
}

static void stop(unsigned int cpu, void *unused)
{
	FILE *f = fopen(path, "a");

	(void)cpu;
	(void)unused;
	if (!f) {
		perror(path);
		exit(1);
	}
	fputs("begin\n", f);
	for (struct block *b = blocks; b; b = b->before)
		if (b->runs)
			fprintf(f, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", b->address, b->instructions, b->runs);
	fputs("end\n", f);
	fclose(f);
}

static void watch_marks(struct qemu_plugin_insn *insn)
{
	const unsigned char *code = qemu_plugin_insn_data(insn);

	if (qemu_plugin_insn_size(insn) != 7 || memcmp(code, mark_head, 3) || memcmp(code + 4, mark_tail, 3))
		return;
	if (code[3] == 1)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, start, 0, NULL);
	else if (code[3] == 2)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, stop, 0, NULL);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *b = calloc(1, sizeof(*b));
	size_t i;

	(void)id;
	if (!b)
		abort();
	b->address = qemu_plugin_tb_vaddr(tb);
	b->instructions = qemu_plugin_tb_n_insns(tb);
	b->before = blocks;
	blocks = b;
	for (i = 0; i < b->instructions; i++)
		watch_marks(qemu_plugin_tb_get_insn(tb, i));
	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &b->runs, 1);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			snprintf(path, sizeof(path), "%s", argv[i] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
