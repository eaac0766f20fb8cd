/*
 * wavenet.h - a WaveNet's config, read and checked.
 *
 * A net is a row of stacks ("layer arrays") of layers; each layer is a dilated
 * convolution to which the condition is added, an activation, and two outputs:
 * to the next layer and to the head.
 */
#ifndef NAM_WAVENET_H
#define NAM_WAVENET_H

#include "nam.h"

typedef enum nam_gating {
    NAM_UNGATED,
    NAM_GATED,  /* activation times secondary activation */
    NAM_BLENDED /* secondary mixes activation and what went into it */
} nam_gating;

/* Scale, and shift, that the condition decides: FiLM. In the order of their
   weights. */
typedef enum nam_film_at {
    NAM_CONV_PRE,
    NAM_CONV_POST,
    NAM_MIXIN_PRE,
    NAM_MIXIN_POST,
    NAM_ACTIVATION_PRE,
    NAM_ACTIVATION_POST,
    NAM_LAYER1X1_POST, /* applied in blended layers only */
    NAM_HEAD1X1_POST,
    NAM_FILMS
} nam_film_at;

typedef struct nam_film {
    int active, shift;
    uint32_t groups;
} nam_film;

typedef struct nam_1x1 {
    int active;
    uint32_t outputs, groups;
} nam_1x1;

typedef struct nam_layer {
    uint32_t taps, dilation;
    nam_gating gating;
    nam_activation activation, secondary;
} nam_layer;

typedef struct nam_stack {
    uint32_t input, condition, channels, bottleneck;
    uint32_t groups_input, groups_mixin;
    uint32_t head_in; /* what the layers give to the head */
    uint32_t head_out, head_taps, head_dilation;
    int head_bias;
    nam_1x1 layer1x1, head1x1;
    nam_film film[NAM_FILMS];
    uint32_t layers;
    nam_layer *layer; /* owned */
} nam_stack;

typedef struct nam_post_head { /* [activation, convolution] n times */
    uint32_t convs, channels, outputs;
    uint32_t *taps; /* owned */
    nam_activation activation;
} nam_post_head;

typedef struct nam_net {
    uint32_t inputs;
    mlc_field condition_dsp;
    uint32_t stacks;
    nam_stack *stack; /* owned */
    nam_post_head post;
    uint32_t reach; /* frames, all convolutions together */
} nam_net;

/* Read everything; free in every case. */
int nam_read_net(nam_import *m, const nam_model *model, nam_net *net);
void nam_free_net(nam_net *net);

/* Outputs of a layer's convolution: both halves of a gate. */
uint32_t nam_conv_outputs(const nam_stack *s, const nam_layer *l);
/* What a FiLM works on. */
uint32_t nam_film_width(const nam_stack *s, const nam_layer *l, int film);

#endif
