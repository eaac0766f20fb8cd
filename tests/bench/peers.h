/*
 * peers.h - one piece of linear work, and the libraries that do it.
 */
#ifndef PEERS_H
#define PEERS_H

/*
 * y[f][o] = b[o] + sum over k, i of w[o][k][i] * x[f + k*dilation][i]: a dense
 * layer if taps is 1, for one frame or many; else a convolution, whose x has
 * (taps-1)*dilation frames before the first.
 */
typedef struct peer_work {
    int frames, in, out, taps, dilation;
    const float *x, *w, *b;
    float *y;
} peer_work;

typedef struct peer {
    const char *name;
    /* What is done once: packing, compiling. NULL: it cannot. */
    void *(*prepare)(const peer_work *work);
    void (*run)(void *prepared);
} peer;

extern const peer peer_mlinfer;
extern const peer peer_openblas;
extern const peer peer_onednn;
extern const peer peer_xnnpack;

#endif
