/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A test is a function that returns; one that fails says where and ends the process. */
#ifndef RTPE_TEST_CHECK_H
#define RTPE_TEST_CHECK_H

#include <stdbool.h>

void check_register(const char *name, void (*run)(void));
void check_failed(const char *file, int line, const char *what) __attribute__((noreturn));
void check_equal(const char *file, int line, const char *what, long long left, long long right);

/* Runs the test of this name, or all; returns how many. */
int check_run(const char *name);

/* What the checks that follow are about: the name of a table's row. */
void check_case(const char *name);

#define TEST(name) \
	static void name(void); \
	__attribute__((constructor)) static void register_##name(void) { check_register(#name, name); } \
	static void name(void)

#define CHECK(condition) do { if (!(condition)) check_failed(__FILE__, __LINE__, #condition); } while (0)
#define CHECK_EQ(left, right) \
	check_equal(__FILE__, __LINE__, #left " == " #right, (long long)(left), (long long)(right))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
