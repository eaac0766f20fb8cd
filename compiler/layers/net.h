/*
 * net.h - what the parts of the importer of layer descriptions share. The
 * description is docs/layers.md.
 */
#ifndef MLC_LAYERS_NET_H
#define MLC_LAYERS_NET_H

#include "doc.h"
#include "layers/weights.h"

#define NET_MAX_LAYERS 4096u
#define NET_MAX_FROM   64u        /* operands of a layer */
#define NET_MAX_WIDTH  65536u     /* channels */
#define NET_MAX_REACH  (1u << 20) /* frames that one layer looks back */
#define NET_MAX_WINDOW (1u << 20)
#define NET_MAX_MATRIX (1u << 24) /* numbers that a stride adds to a weight */
#define NET_MAX_LATE   (1u << 22) /* frames of latency */
#define NET_NAME       256

/* A value: stream and step: [channels]; window: [frames, channels], or
   [channels] after a layer that takes the frames together. */
typedef struct net_signal {
    ir_id id;
    uint32_t
        late; /* stream: frames behind the input, where layers look ahead */
} net_signal;

typedef struct net_named {
    char *name; /* owned */
    net_signal x;
} net_named;

typedef struct net_import {
    mlc_doc doc;
    mlc_weights *w; /* NULL: no weights */
    mli_mode mode;
    uint32_t window;
    net_named *named; /* owned */
    uint32_t named_count, named_room;
    net_signal last; /* of the layers so far */
} net_import;

/* The members of a layer. */
enum {
    NET_TYPE,
    NET_KEY, /* "name" */
    NET_AS,
    NET_FROM,
    NET_NOTE,
    NET_ACTIVATION,
    NET_COMMON, /* those before are every layer's */
    NET_WEIGHT = NET_COMMON,
    NET_BIAS,
    NET_PADDING,
    NET_DILATION,
    NET_GROUPS,
    NET_STRIDE,
    NET_EPS,
    NET_SLOPE,
    NET_START,
    NET_COUNT,
    NET_VALUE,
    NET_DB,
    NET_MEAN,
    NET_STD,
    NET_FUNCTION,
    NET_GATE,
    NET_LOW,
    NET_HIGH,
    NET_FIELDS
};

typedef struct net_layer {
    mlc_field f[NET_FIELDS];
    char type[32];
    char name[NET_NAME]; /* in front of its tensors' names; "" for none */
    net_signal in[NET_MAX_FROM];
    uint32_t inputs;
    net_signal out;
} net_layer;

/* -------------------------------------------------------- net_tensor.c ---- */

/*
 * The tensor that the field names, or name.suffix. dims: what is expected, 0
 * for any, filled in. NULL after an error, or where it is missing and may be.
 */
float *net_tensor(net_import *n, const net_layer *l, int field,
                  const char *suffix, uint32_t rank, uint32_t *dims, int may);
/* Is there such a tensor? */
int net_has(const net_import *n, const net_layer *l, const char *suffix);
/* One number for all or one each: a number, an array or a tensor's name.
   [channels], to be freed. NULL after an error. */
float *net_vector(net_import *n, const net_layer *l, int field,
                  uint32_t channels);

/* -------------------------------------------------------- net_layers.c ---- */

/* Build a layer; it stands at n->doc.prefix. */
int net_build(net_import *n, mlc_json_range at, uint32_t index);

/* --------------------------------------------------------- net_conv.c ---- */

int net_conv1d(net_import *n, net_layer *l);
int net_conv_transpose1d(net_import *n, net_layer *l);

/* --------------------------------------------------------- net_names.c ---- */

int net_name(net_import *n, const char *name, net_signal x);
const net_signal *net_find(const net_import *n, const char *name);
/* All operands as late as the latest. */
void net_align(net_import *n, net_signal *x, uint32_t count);

/* Channels of a value: its last dim. */
uint32_t net_width(const net_import *n, net_signal x);
/* Window: its frames, 0 where they are taken together; else 0. */
uint32_t net_frames(const net_import *n, net_signal x);

#endif
