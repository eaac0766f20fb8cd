/* see multichannel.h */
#include "multichannel.h"

/*
 * A weak symbol: 0 where Pd has no such function. It is bound when Pd loads
 * this, or when a program that has Pd in it is linked. Windows has no weak
 * symbols: there it is looked up beside another thing of Pd's.
 */
#ifdef _WIN32
#define signal_setmultiout                                                     \
    ((void (*)(t_signal **, int))system_beside(&pd_objectmaker,                \
                                               "signal_setmultiout"))
#else
extern void signal_setmultiout(t_signal **s, int count) __attribute__((weak));
#endif

/* How every t_signal with channels begins: from m_pd.h of Pd 0.54 and later. */
struct channels {
    int n;
    t_sample *vec;
    t_float sr;
    int nchans;
};

int multichannel_here(void)
{
    return signal_setmultiout != 0;
}

int multichannel_count(const t_signal *s)
{
    return ((const struct channels *)(const void *)s)->nchans;
}

void multichannel_outlet(t_signal **s, int count)
{
    signal_setmultiout(s, count);
}
