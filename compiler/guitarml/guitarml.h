/*
 * guitarml.h - what the two importers of GuitarML's files share.
 */
#ifndef GUITARML_H
#define GUITARML_H

#include "doc.h"

#define GML_RATE       44100. /* by convention: the files do not say */
#define GML_MAX_KNOBS  16u
#define GML_MAX_WIDTH  16384u
#define GML_MAX_LAYERS 64u
#define GML_MAX_STACK  4096u      /* dilations */
#define GML_MAX_REACH  (1u << 18) /* frames that a WaveNet looks back */

/* Sound and knobs side by side: [inputs]; sound: the first of them alone. */
ir_id gml_inputs(mlc_doc *d, uint32_t inputs, ir_id *sound);

/* Proteus, NeuralPi: model_data and state_dict. */
int gml_recurrent(mlc_doc *d, mlc_json_range file);
/* SmartGuitarAmp, SmartGuitarPedal: a list of variables. */
int gml_wavenet(mlc_doc *d, mlc_json_range file);

#endif
