/*
 * largest.h - the largest of many differences. fmax() forgets a NaN, and so
 * does a comparison that the next number wins again: then what computes NaN
 * would be near everything. Here a NaN stays, and no limit lets it pass that is
 * asked for as !(largest <= limit).
 */
#ifndef LARGEST_H
#define LARGEST_H

static inline double largest(double so_far, double next)
{
    return next <= so_far || so_far != so_far ? so_far : next;
}

#endif
