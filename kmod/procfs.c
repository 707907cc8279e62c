// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include "module.h"
#include "procfs.h"

static unsigned int proc_uid;
module_param(proc_uid, uint, 0);
MODULE_PARM_DESC(proc_uid, "owner of the entries in /proc/rtpengine");
static unsigned int proc_gid;
module_param(proc_gid, uint, 0);
MODULE_PARM_DESC(proc_gid, "group of the entries in /proc/rtpengine");
static unsigned int proc_mask;
module_param(proc_mask, uint, 0);
MODULE_PARM_DESC(proc_mask, "mode bits taken from the directories of the tables");

#define COMMAND_MIN 6
#define COMMAND_MAX 20

static struct proc_dir_entry *root;

static const struct {
	char word[5];
	int (*run)(u32 id);
} commands[] = {
	{ "add ", rtpe_ktable_add },
	{ "del ", rtpe_ktable_del },
};

/* The number that `text` begins with; what follows it is ignored. */
static int parse_id(const char *text, u32 *id)
{
	if (!isdigit(*text))
		return -EINVAL;
	for (*id = 0; isdigit(*text); text++) {
		*id = *id * 10 + *text - '0';
		if (*id >= RTPE_MAX_TABLES)
			return -EINVAL;
	}
	return 0;
}

static int execute(const char *text)
{
	u32 id, i;
	int err;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strncmp(text, commands[i].word, strlen(commands[i].word)))
			continue;
		err = parse_id(text + strlen(commands[i].word), &id);
		return err ? err : commands[i].run(id);
	}
	return -EINVAL;
}

static int main_control_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return stream_open(inode, file);
}

static ssize_t main_control_write(struct file *file, const char __user *buf, size_t len, loff_t *off)
{
	char text[COMMAND_MAX + 1] = "";
	int err;

	if (len < COMMAND_MIN || len > COMMAND_MAX)
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	err = execute(text);
	return err ? err : (ssize_t)len;
}

static const struct proc_ops main_control_ops = {
	.proc_open = main_control_open,
	.proc_write = main_control_write,
};

static int main_list_show(struct seq_file *seq, void *v)
{
	u32 id;

	for (id = 0; id < RTPE_MAX_TABLES; id++)
		if (rcu_access_pointer(rtpe_ktables[id]))
			seq_printf(seq, "%u\n", id);
	return 0;
}

static struct proc_dir_entry *owned(struct proc_dir_entry *e)
{
	if (e)
		proc_set_user(e, KUIDT_INIT(proc_uid), KGIDT_INIT(proc_gid));
	return e;
}

struct proc_dir_entry *rtpe_procfs_mkdir(struct proc_dir_entry *parent, const char *name, umode_t mode)
{
	return owned(proc_mkdir_mode(name, S_IFDIR | mode, parent));	/* a mode of 0 alone would be the usual one */
}

struct proc_dir_entry *rtpe_procfs_file(struct proc_dir_entry *parent, const char *name, umode_t mode,
					const struct proc_ops *ops, void *data)
{
	return owned(proc_create_data(name, mode, parent, ops, data));
}

int rtpe_procfs_add(struct rtpe_ktable *kt)
{
	static const struct {
		char name[8];
		umode_t mode;
		const struct proc_ops *ops;
	} files[] = {
		{ "blist", 0444, &rtpe_blist_ops },
		{ "control", 0660, &rtpe_control_ops },
		{ "list", 0440, &rtpe_list_ops },
		{ "status", 0444, &rtpe_status_ops },
	};
	char name[4];
	u32 i;
	bool whole;

	snprintf(name, sizeof(name), "%u", kt->id);
	kt->dir = rtpe_procfs_mkdir(root, name, 0555 & ~proc_mask);
	if (!kt->dir)
		return -ENOMEM;
	kt->calls = rtpe_procfs_mkdir(kt->dir, "calls", 0555);
	whole = kt->calls;
	for (i = 0; whole && i < ARRAY_SIZE(files); i++)
		whole = rtpe_procfs_file(kt->dir, files[i].name, files[i].mode, files[i].ops, kt);
	if (whole)
		return 0;
	rtpe_procfs_remove(kt);
	return -ENOMEM;
}

void rtpe_procfs_remove(struct rtpe_ktable *kt)
{
	proc_remove(kt->dir);
}

int __init rtpe_procfs_init(void)
{
	root = rtpe_procfs_mkdir(NULL, "rtpengine", 0555);
	if (!root)
		return -ENOMEM;
	if (owned(proc_create_single("list", 0444, root, main_list_show)) &&
	    rtpe_procfs_file(root, "control", 0220, &main_control_ops, NULL))
		return 0;
	proc_remove(root);
	return -ENOMEM;
}

void rtpe_procfs_exit(void)
{
	proc_remove(root);
}
