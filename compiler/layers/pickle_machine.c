/*
 * pickle_machine.c - see pickle_machine.h. Opcodes: pickletools.py of CPython;
 * what the arguments mean: torch/_utils.py.
 */
#include <stdlib.h>
#include <string.h>
#include "layers/pickle_machine.h"

#define MAX_VALUES (1u << 21)

enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, SIZE, STORAGES };

static const struct {
    const char *module, *name;
    mlc_number type; /* of storages */
} globals[] = {
    {"collections", "OrderedDict", MLC_OTHER},
    {"torch._utils", "_rebuild_tensor_v2", MLC_OTHER},
    {"torch._utils", "_rebuild_parameter", MLC_OTHER},
    {"torch", "Size", MLC_OTHER},
    {"torch", "FloatStorage", MLC_F32},
    {"torch", "DoubleStorage", MLC_F64},
    {"torch", "HalfStorage", MLC_F16},
    {"torch", "BFloat16Storage", MLC_BF16},
    {"torch", "LongStorage", MLC_I64},
    {"torch", "IntStorage", MLC_I32},
    {"torch", "ShortStorage", MLC_I16},
    {"torch", "CharStorage", MLC_I8},
    {"torch", "ByteStorage", MLC_U8},
    {"torch", "BoolStorage", MLC_BOOLEAN},
};

mlc_number pickle_number(const pickle_value *storage)
{
    return globals[storage->a].type;
}

/* ------------------------------------------------------------- arrays ---- */

int pickle_broken(pickle_machine *m, const char *what)
{
    mlc_fail(m->error, MLC_CORRUPT, "data.pkl, byte %zu: %s", m->at, what);
    return 0;
}

/* Room for one more; NULL after an error. */
static void *more(pickle_machine *m, pickle_list *l, size_t size)
{
    if (l->count == MAX_VALUES) {
        pickle_broken(m, "too many values");
        return NULL;
    }
    if (l->count == l->room) {
        uint32_t room = l->room ? 2 * l->room : 256;
        void *at = realloc(l->at, room * size);

        if (!at) {
            mlc_fail(m->error, MLC_MEMORY, "out of memory");
            return NULL;
        }
        l->at = at;
        l->room = room;
    }
    return (uint8_t *)l->at + size * l->count++;
}

pickle_value *pickle_values(const pickle_machine *m)
{
    return m->values.at;
}

static uint32_t *stack(const pickle_machine *m)
{
    return m->stack.at;
}

static int push_index(pickle_machine *m, uint32_t index)
{
    uint32_t *top = more(m, &m->stack, sizeof *top);

    if (!top)
        return 0;
    *top = index;
    return 1;
}

static int push(pickle_machine *m, pickle_kind k, uint32_t a, uint32_t b)
{
    uint32_t index = m->values.count;
    pickle_value *v = more(m, &m->values, sizeof *v);

    if (!v)
        return 0;
    *v = (pickle_value){k, a, b};
    return push_index(m, index);
}

pickle_value *pickle_top(const pickle_machine *m, uint32_t down)
{
    if (down >= m->stack.count)
        return NULL;
    return &pickle_values(m)[stack(m)[m->stack.count - 1 - down]];
}

/* How many values lie above the last mark; -1: there is none. */
static int64_t above_mark(const pickle_machine *m)
{
    for (uint32_t i = 0; i < m->stack.count; i++)
        if (pickle_top(m, i)->kind == K_MARK)
            return i;
    return -1;
}

/* ---------------------------------------------------------- arguments ---- */

static int number(pickle_machine *m, uint32_t bytes, uint64_t *v)
{
    if (m->size - m->at < bytes)
        return pickle_broken(m, "it is cut short");
    *v = 0;
    for (uint32_t i = bytes; i-- > 0;)
        *v = *v << 8 | m->bytes[m->at + i];
    m->at += bytes;
    return 1;
}

/* Pass over n bytes; answers where they begin. */
static int bytes(pickle_machine *m, uint64_t n, uint32_t *first)
{
    if (n > m->size - m->at)
        return pickle_broken(m, "it is cut short");
    *first = (uint32_t)m->at;
    m->at += (size_t)n;
    return 1;
}

static int text(pickle_machine *m, uint32_t length_bytes, pickle_kind k)
{
    uint32_t first;
    uint64_t n;

    return number(m, length_bytes, &n) && bytes(m, n, &first) &&
           push(m, k, first, (uint32_t)n);
}

/* A signed number of n <= 8 bytes. */
static int integer(pickle_machine *m, uint32_t n, int is_signed)
{
    uint64_t v;

    if (n > 8)
        return pickle_broken(m, "a number of more than 8 bytes");
    if (!number(m, n, &v))
        return 0;
    if (is_signed && n && n < 8 && v >> (8 * n - 1))
        v |= ~(uint64_t)0 << 8 * n;
    return push(m, K_INT, (uint32_t)v, (uint32_t)(v >> 32));
}

static int put(pickle_machine *m, uint64_t slot)
{
    if (!m->stack.count)
        return pickle_broken(m, "an empty stack");
    if (slot >= MAX_VALUES)
        return pickle_broken(m, "too many values");
    while (m->memo.count <= slot) {
        uint32_t *next = more(m, &m->memo, sizeof *next);

        if (!next)
            return 0;
        *next = 0;
    }
    ((uint32_t *)m->memo.at)[slot] = stack(m)[m->stack.count - 1] + 1;
    return 1;
}

static int get(pickle_machine *m, uint64_t slot)
{
    if (slot >= m->memo.count || !((uint32_t *)m->memo.at)[slot])
        return pickle_broken(m, "nothing was kept there");
    return push_index(m, ((uint32_t *)m->memo.at)[slot] - 1);
}

/* ------------------------------------------------------------ globals ---- */

static int same(const uint8_t *at, size_t n, const char *word)
{
    return strlen(word) == n && !memcmp(at, word, n);
}

static int global(pickle_machine *m, const uint8_t *module, size_t m_length,
                  const uint8_t *name, size_t n_length)
{
    for (uint32_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (same(module, m_length, globals[i].module) &&
            same(name, n_length, globals[i].name))
            return push(m, K_GLOBAL, i, 0);
    mlc_fail(m->error, MLC_UNSUPPORTED,
             "it asks for %.*s.%.*s: only a plain state_dict is read; in "
             "Python: torch.save(model.state_dict(), \"model.pt\")",
             (int)(m_length < 60 ? m_length : 60), (const char *)module,
             (int)(n_length < 60 ? n_length : 60), (const char *)name);
    return 0;
}

/* Two lines. */
static int global_lines(pickle_machine *m)
{
    const uint8_t *at = m->bytes + m->at, *one, *two;
    size_t left = m->size - m->at;

    one = memchr(at, '\n', left);
    two = one ? memchr(one + 1, '\n', left - (size_t)(one + 1 - at)) : NULL;
    if (!two)
        return pickle_broken(m, "it is cut short");
    m->at += (size_t)(two + 1 - at);
    return global(m, at, (size_t)(one - at), one + 1, (size_t)(two - one - 1));
}

static int global_stack(pickle_machine *m)
{
    pickle_value *name = pickle_top(m, 0), *module = pickle_top(m, 1);

    if (!name || !module || name->kind != K_TEXT || module->kind != K_TEXT)
        return pickle_broken(m, "a global without a name");
    m->stack.count -= 2;
    return global(m, m->bytes + module->a, module->b, m->bytes + name->a,
                  name->b);
}

/* -------------------------------------------------------- containers ---- */

static int tuple(pickle_machine *m, int64_t n)
{
    uint32_t first = m->items.count;

    if (n < 0 || (uint64_t)n > m->stack.count)
        return pickle_broken(m, "an empty stack");
    for (int64_t i = n; i-- > 0;) {
        uint32_t *item = more(m, &m->items, sizeof *item);

        if (!item)
            return 0;
        *item = stack(m)[m->stack.count - 1 - (uint32_t)i];
    }
    m->stack.count -= (uint32_t)n;
    return push(m, K_TUPLE, first, (uint32_t)n);
}

static int marked_tuple(pickle_machine *m)
{
    int64_t n = above_mark(m);
    uint32_t index;

    if (n < 0 || !tuple(m, n))
        return n < 0 ? pickle_broken(m, "no mark") : 0;
    index = stack(m)[m->stack.count - 1];
    m->stack.count -= 2; /* the tuple and the mark under it */
    return push_index(m, index);
}

static int append_pair(pickle_machine *m, pickle_value *dict, uint32_t key,
                       uint32_t v)
{
    uint32_t index = m->pairs.count + 1;
    pickle_pair *p = more(m, &m->pairs, sizeof *p);

    if (!p)
        return 0;
    *p = (pickle_pair){key, v, 0};
    if (dict->b)
        ((pickle_pair *)m->pairs.at)[dict->b - 1].next = index;
    else
        dict->a = index;
    dict->b = index;
    return 1;
}

/* n keys and values over a dictionary, and perhaps a mark between. */
static int set_items(pickle_machine *m, int64_t n, uint32_t marks)
{
    pickle_value *dict;

    if (n < 0 || n % 2 || (uint64_t)n + marks >= m->stack.count)
        return pickle_broken(m, "keys without values");
    dict = pickle_top(m, (uint32_t)n + marks);
    for (int64_t i = n; dict->kind == K_DICT && i > 0; i -= 2) {
        uint32_t *at = &stack(m)[m->stack.count - (uint32_t)i];

        if (!append_pair(m, dict, at[0], at[1]))
            return 0;
    }
    m->stack.count -= (uint32_t)n + marks;
    return 1;
}

/* What is appended to a list is not kept. */
static int drop(pickle_machine *m, int64_t n, uint32_t marks)
{
    if (n < 0 || (uint64_t)n + marks >= m->stack.count)
        return pickle_broken(m, "an empty stack");
    m->stack.count -= (uint32_t)n + marks;
    return 1;
}

pickle_value *pickle_item(const pickle_machine *m, const pickle_value *t,
                          uint32_t i)
{
    if (t->kind != K_TUPLE || i >= t->b)
        return NULL;
    return &pickle_values(m)[((uint32_t *)m->items.at)[t->a + i]];
}

/* ("storage", type, key, location, elements) */
static int persistent(pickle_machine *m)
{
    pickle_value *t = pickle_top(m, 0), *type = t ? pickle_item(m, t, 1) : NULL;
    pickle_value *key = t ? pickle_item(m, t, 2) : NULL;
    uint32_t key_index;

    if (!type || !key || type->kind != K_GLOBAL || type->a < STORAGES ||
        key->kind != K_TEXT)
        return pickle_broken(m, "a reference to something else than numbers");
    key_index = ((uint32_t *)m->items.at)[t->a + 2];
    m->stack.count--;
    return push(m, K_STORAGE, type->a, key_index);
}

static int rebuild(pickle_machine *m, uint32_t arguments)
{
    pickle_value *t = &pickle_values(m)[arguments],
                 *storage = pickle_item(m, t, 0);

    if (!storage || storage->kind != K_STORAGE || t->b < 4)
        return pickle_broken(m, "a tensor without numbers");
    return push(m, K_TENSOR, ((uint32_t *)m->items.at)[t->a], arguments);
}

static int reduce(pickle_machine *m)
{
    pickle_value *arguments = pickle_top(m, 0), *function = pickle_top(m, 1);
    uint32_t index;

    if (!arguments || !function || arguments->kind != K_TUPLE ||
        function->kind != K_GLOBAL)
        return pickle_broken(m, "a call of something that is no function");
    index = stack(m)[m->stack.count - 1];
    m->stack.count -= 2;
    switch (function->a) {
    case ORDERED_DICT:
        return push(m, K_DICT, 0, 0);
    case REBUILD_TENSOR:
        return rebuild(m, index);
    case REBUILD_PARAMETER:
        if (!arguments->b)
            return pickle_broken(m, "a parameter without a tensor");
        return push_index(m, ((uint32_t *)m->items.at)[arguments->a]);
    default:
        return push(m, K_OTHER, 0, 0);
    }
}

/* ------------------------------------------------------------- opcodes ---- */

static int sized(pickle_machine *m, uint32_t length_bytes, int is_signed)
{
    uint64_t n;

    return number(m, length_bytes, &n) &&
           integer(m, n > 8 ? 9 : (uint32_t)n, is_signed);
}

static int unknown(pickle_machine *m, int op)
{
    mlc_fail(m->error, MLC_UNSUPPORTED,
             "data.pkl, byte %zu: opcode 0x%02x has no place in a plain "
             "state_dict; in Python: torch.save(model.state_dict(), "
             "\"model.pt\")",
             m->at - 1, op);
    return 0;
}

static int passed(pickle_machine *m, uint32_t n, pickle_kind k)
{
    uint32_t first;

    return bytes(m, n, &first) && (k == K_MARK || push(m, k, 0, 0));
}

static int slot(pickle_machine *m, uint32_t length_bytes,
                int (*use)(pickle_machine *m, uint64_t slot))
{
    uint64_t n;

    return number(m, length_bytes, &n) && use(m, n);
}

int pickle_step(pickle_machine *m)
{
    int op = m->bytes[m->at++];

    switch (op) {
    case 0x80: /* PROTO */
        return passed(m, 1, K_MARK);
    case 0x95: /* FRAME */
        return passed(m, 8, K_MARK);
    case '.':
        m->stopped = 1;
        return 1;
    case '(':
        return push(m, K_MARK, 0, 0);
    case '0': /* POP */
        return drop(m, 1, 0);
    case 'N':
        return push(m, K_OTHER, 0, 0);
    case 0x88: /* NEWTRUE, NEWFALSE */
    case 0x89:
        return push(m, K_INT, op == 0x88, 0);
    case 'J':
        return integer(m, 4, 1);
    case 'K':
        return integer(m, 1, 0);
    case 'M':
        return integer(m, 2, 0);
    case 0x8a: /* LONG1 */
        return sized(m, 1, 1);
    case 'G': /* BINFLOAT */
        return passed(m, 8, K_OTHER);
    case 'X': /* BINUNICODE */
        return text(m, 4, K_TEXT);
    case 0x8c: /* SHORT_BINUNICODE */
        return text(m, 1, K_TEXT);
    case 'U': /* SHORT_BINSTRING, BINBYTES */
    case 'C':
        return text(m, 1, K_OTHER);
    case 'T':
    case 'B':
        return text(m, 4, K_OTHER);
    case ')':
        return tuple(m, 0);
    case 0x85: /* TUPLE1 to 3 */
    case 0x86:
    case 0x87:
        return tuple(m, op - 0x84);
    case 't':
        return marked_tuple(m);
    case ']':
        return push(m, K_OTHER, 0, 0);
    case 'a':
        return drop(m, 1, 0);
    case 'e':
        return drop(m, above_mark(m), 1);
    case '}':
        return push(m, K_DICT, 0, 0);
    case 's':
        return set_items(m, 2, 0);
    case 'u':
        return set_items(m, above_mark(m), 1);
    case 'q':
        return slot(m, 1, put);
    case 'r':
        return slot(m, 4, put);
    case 0x94: /* MEMOIZE */
        return put(m, m->memo.count);
    case 'h':
        return slot(m, 1, get);
    case 'j':
        return slot(m, 4, get);
    case 'c':
        return global_lines(m);
    case 0x93: /* STACK_GLOBAL */
        return global_stack(m);
    case 'Q':
        return persistent(m);
    case 'R':
        return reduce(m);
    case 'b': /* BUILD: what an OrderedDict knows beside its items */
        return drop(m, 1, 0);
    default:
        return unknown(m, op);
    }
}
