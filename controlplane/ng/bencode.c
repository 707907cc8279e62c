// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * encode() of bencode.py in C, for the daemon as it is installed: replies about a call
 * are hundreds of items, each of which takes Python hundreds of instructions.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include <stdbool.h>
#include <string.h>

#define FIRST_ROOM 2048
#define LONGEST_NUMBER 24	/* with its sign, and what stands around it */

/* What has been written. Functions return false with an exception set. */
struct writer {
	char *data;
	Py_ssize_t len, room;
};

static bool write_value(struct writer *w, PyObject *value);

static bool make_room(struct writer *w, Py_ssize_t more)
{
	Py_ssize_t room = w->room ? w->room : FIRST_ROOM;
	char *data;

	if (more <= w->room - w->len)
		return true;
	if (more > PY_SSIZE_T_MAX / 2 - w->len) {
		PyErr_NoMemory();
		return false;
	}
	while (room < w->len + more)
		room *= 2;
	data = PyMem_Realloc(w->data, (size_t)room);
	if (!data) {
		PyErr_NoMemory();
		return false;
	}
	w->data = data;
	w->room = room;
	return true;
}

/* There is room for LONGEST_NUMBER. */
static void put_number(struct writer *w, long long number, char behind)
{
	unsigned long long rest = number < 0 ? -(unsigned long long)number : (unsigned long long)number;
	char digits[LONGEST_NUMBER], *first = digits + sizeof(digits);

	*--first = behind;
	do
		*--first = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--first = '-';
	memcpy(w->data + w->len, first, (size_t)(digits + sizeof(digits) - first));
	w->len += digits + sizeof(digits) - first;
}

static bool write_byte(struct writer *w, char byte)
{
	if (!make_room(w, 1))
		return false;
	w->data[w->len++] = byte;
	return true;
}

static bool write_string(struct writer *w, const char *data, Py_ssize_t len)
{
	if (!make_room(w, LONGEST_NUMBER + len))
		return false;
	put_number(w, len, ':');
	memcpy(w->data + w->len, data, (size_t)len);
	w->len += len;
	return true;
}

/* Takes over `bytes`, which may be NULL. */
static bool write_bytes(struct writer *w, PyObject *bytes)
{
	Py_ssize_t len;
	char *data;
	bool ok;

	if (!bytes)
		return false;
	ok = !PyBytes_AsStringAndSize(bytes, &data, &len) && write_string(w, data, len);
	Py_DECREF(bytes);
	return ok;
}

/* As raw_bytes() in values.py: surrogates stand for bytes that are no UTF-8. */
static bool write_text(struct writer *w, PyObject *text)
{
	Py_ssize_t len;
	const char *data = PyUnicode_AsUTF8AndSize(text, &len);
	PyObject *bytes;

	if (data)
		return write_string(w, data, len);
	PyErr_Clear();
	bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
	if (!bytes && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
		PyErr_Clear();
		bytes = PyUnicode_AsEncodedString(text, "utf-8", "replace");
	}
	return write_bytes(w, bytes);
}

static bool write_long_integer(struct writer *w, PyObject *number)
{
	PyObject *digits = PyNumber_ToBase(number, 10);
	Py_ssize_t len;
	const char *data = digits ? PyUnicode_AsUTF8AndSize(digits, &len) : NULL;
	bool ok = data && make_room(w, len + 2);

	if (ok) {
		w->data[w->len] = 'i';
		memcpy(w->data + w->len + 1, data, (size_t)len);
		w->data[w->len + 1 + len] = 'e';
		w->len += len + 2;
	}
	Py_XDECREF(digits);
	return ok;
}

static bool write_integer(struct writer *w, PyObject *number)
{
	int beyond;
	long long small = PyLong_AsLongLongAndOverflow(number, &beyond);

	if (beyond)
		return write_long_integer(w, number);
	if (!make_room(w, 1 + LONGEST_NUMBER))
		return false;
	w->data[w->len++] = 'i';
	put_number(w, small, 'e');
	return true;
}

static bool write_dict(struct writer *w, PyObject *dict)
{
	PyObject *key, *value;
	Py_ssize_t at = 0;

	if (!write_byte(w, 'd'))
		return false;
	while (PyDict_Next(dict, &at, &key, &value)) {
		if (!PyUnicode_Check(key)) {
			PyErr_SetString(PyExc_TypeError, "a key must be a text");
			return false;
		}
		if (!write_text(w, key) || !write_value(w, value))
			return false;
	}
	return write_byte(w, 'e');
}

/* Those of a list or tuple, each of which `get` borrows. */
static bool write_items(struct writer *w, PyObject *items, Py_ssize_t len, PyObject *(*get)(PyObject *, Py_ssize_t))
{
	PyObject *item;
	Py_ssize_t i;

	if (!write_byte(w, 'l'))
		return false;
	for (i = 0; i < len; i++) {
		item = get(items, i);
		if (!item || !write_value(w, item))
			return false;
	}
	return write_byte(w, 'e');
}

/* A Dictionary of values.py has a list of its keys and values. */
static bool write_pairs(struct writer *w, PyObject *pairs)
{
	PyObject *pair;
	Py_ssize_t i;

	if (!write_byte(w, 'd'))
		return false;
	for (i = 0; i < PyList_Size(pairs); i++) {
		pair = PyList_GetItem(pairs, i);
		if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
			PyErr_SetString(PyExc_TypeError, "pairs must be pairs");
			return false;
		}
		if (!write_value(w, PyTuple_GetItem(pair, 0)) || !write_value(w, PyTuple_GetItem(pair, 1)))
			return false;
	}
	return write_byte(w, 'e');
}

static bool write_other(struct writer *w, PyObject *value)
{
	PyObject *pairs = PyObject_GetAttrString(value, "pairs");
	bool ok = pairs && PyList_Check(pairs);

	if (ok)
		ok = write_pairs(w, pairs);
	else
		PyErr_Format(PyExc_TypeError, "%R cannot be bencoded", Py_TYPE(value));
	Py_XDECREF(pairs);
	return ok;
}

static bool write_container(struct writer *w, PyObject *value)
{
	bool ok;

	if (Py_EnterRecursiveCall(" while bencoding"))
		return false;
	if (PyDict_Check(value))
		ok = write_dict(w, value);
	else if (PyList_Check(value))
		ok = write_items(w, value, PyList_Size(value), PyList_GetItem);
	else if (PyTuple_Check(value))
		ok = write_items(w, value, PyTuple_Size(value), PyTuple_GetItem);
	else
		ok = write_other(w, value);
	Py_LeaveRecursiveCall();
	return ok;
}

static bool write_value(struct writer *w, PyObject *value)
{
	if (PyUnicode_Check(value))
		return write_text(w, value);
	if (PyLong_Check(value))
		return write_integer(w, value);
	if (PyBytes_Check(value))
		return write_bytes(w, Py_NewRef(value));
	return write_container(w, value);
}

static PyObject *encode(PyObject *module, PyObject *value)
{
	struct writer w = { 0 };
	PyObject *written = NULL;

	(void)module;
	if (write_value(&w, value))
		written = PyBytes_FromStringAndSize(w.data, w.len);
	PyMem_Free(w.data);
	return written;
}

static PyMethodDef methods[] = {
	{ "encode", encode, METH_O, PyDoc_STR("See bencode.py.") },
	{ NULL, NULL, 0, NULL }
};

static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT, .m_name = "_bencode", .m_size = 0, .m_methods = methods,
};

PyMODINIT_FUNC PyInit__bencode(void)
{
	return PyModuleDef_Init(&module);
}
