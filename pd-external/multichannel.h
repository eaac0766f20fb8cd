/*
 * multichannel.h - signals of several channels, which Pd has since 0.54, for a
 * binary that older ones load, too. Nothing of them is in the m_pd.h that this
 * may be built with.
 */
#ifndef MULTICHANNEL_H
#define MULTICHANNEL_H

#include "m_pd.h"

/* For class_new; older Pds take no notice. */
#define MULTICHANNEL_CLASS 0x10

/* Not 0: the Pd that runs has them. Only then the others may be called. */
int multichannel_here(void);

/* Channels of a signal, which lie one after another, s_n samples each. */
int multichannel_count(const t_signal *s);

/* For each outlet of a class with that flag, in its dsp method, before the
   vector is asked for. count: 1 and more. */
void multichannel_outlet(t_signal **s, int count);

#endif
