/* onnx_ml_ops.c - the operators of ai.onnx.ml by name. */
#include <string.h>
#include "formats.h"
#include "onnx_ml.h"

static const onnx_op ops[] = {
    {"ArrayFeatureExtractor", onnx_ml_extractor, 0, 2, 0},
    {"Binarizer", onnx_ml_binarizer, 0, 1, 0},
    {"CategoryMapper", onnx_ml_category_mapper, 0, 1, 0},
    {"FeatureVectorizer", onnx_ml_vectorizer, 0, 1, 0},
    {"Imputer", onnx_ml_imputer, 0, 1, 0},
    {"LabelEncoder", onnx_ml_label_encoder, 0, 1, 0},
    {"LinearClassifier", onnx_ml_linear_classifier, 0, 1, 0},
    {"LinearRegressor", onnx_ml_linear_regressor, 0, 1, 0},
    {"Normalizer", onnx_ml_normalizer, 0, 1, 0},
    {"OneHotEncoder", onnx_ml_one_hot, 0, 1, 0},
    {"SVMClassifier", onnx_ml_svm_classifier, 0, 1, 0},
    {"SVMRegressor", onnx_ml_svm_regressor, 0, 1, 0},
    {"Scaler", onnx_ml_scaler, 0, 1, 0},
    {"TreeEnsemble", onnx_ml_tree_ensemble, 0, 1, 0},
    {"TreeEnsembleClassifier", onnx_ml_tree_classifier, 0, 1, 0},
    {"TreeEnsembleRegressor", onnx_ml_tree_regressor, 0, 1, 0},
    {"ZipMap", onnx_ml_zip_map, 0, 1, ONNX_KEEPS_PAD},
};

const onnx_op *onnx_find_ml_op(const char *name)
{
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (!strcmp(ops[i].name, name))
            return &ops[i];
    return NULL;
}

const char *mlc_onnx_ml_operator(size_t i)
{
    return i < sizeof ops / sizeof *ops ? ops[i].name : NULL;
}
