/*
 * onnx_test.h - mlinfer onnx-test DIR...: folders in the layout of the ONNX
 * backend tests. A DIR is one test (it has a model.onnx) or holds tests.
 */
#ifndef ONNX_TEST_H
#define ONNX_TEST_H

int mli_tool_onnx_test(int argc, char **argv);

#endif
