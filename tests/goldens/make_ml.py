#!/usr/bin/env python3
"""Make the goldens of classical models: small ones of each family of ai.onnx.ml
operators, as their converters write them.

Needs scikit-learn, skl2onnx, catboost, lightgbm, onnxmltools, onnx, onnxruntime
and numpy (models/requirements.txt). Writes tests/goldens/ml/NAME/{model.onnx,
input.npy, output.npy}, ml/list.txt and ml/README.md. Each row of the output is
what ONNX Runtime answers to that row alone: all outputs one after another,
texts as their index among the class labels.

Seeds are fixed; other versions may still write other bytes.
"""
import os
import shutil
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import sklearn
import skl2onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.cluster import KMeans
from sklearn.ensemble import (ExtraTreesRegressor, GradientBoostingClassifier,
                              IsolationForest, RandomForestClassifier)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (KBinsDiscretizer, MinMaxScaler, Normalizer,
                                   OneHotEncoder, StandardScaler)
from sklearn.svm import SVC, SVR, OneClassSVM

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ml")
OPSET = {"": 15, "ai.onnx.ml": 3}
NAMES = ["clap", "snap", "tap"]

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)
X = np.round(rng.randn(60, 4), 2).astype(np.float32)
ROWS = np.round(rng.randn(24, 4), 2).astype(np.float32)
THREE = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
GESTURE = np.array(NAMES)[THREE]
TWO = np.array([-3, 5])[(X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)]
PITCH = X[:, 0] * 2 + np.sin(X[:, 1]) + X[:, 2] * X[:, 3]
BOTH = np.stack([PITCH, X[:, 0] - X[:, 3]], 1)
HOLES = X.copy()
HOLES[::7, 1] = np.nan


def fit(model, y=None, x=X, opset=None, **options):
    model.fit(x) if y is None else model.fit(x, y)
    return to_onnx(model, x[:1], target_opset=opset or OPSET,
                   options=options or None)


def catboost():
    import catboost as cb
    m = cb.CatBoostClassifier(iterations=6, depth=3, verbose=0, random_seed=0,
                              thread_count=1, allow_writing_files=False)
    m.fit(X, GESTURE)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.onnx")
        m.save_model(path, format="onnx")
        return onnx.load(path)


def lightgbm():
    import lightgbm as lgb
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType
    m = lgb.LGBMClassifier(n_estimators=4, num_leaves=4, verbose=-1, n_jobs=1,
                           min_child_samples=5)
    m.fit(X, (TWO > 0).astype(int))
    return convert_lightgbm(m, initial_types=[("X", FloatTensorType([None, 4]))],
                            target_opset=15)


def graph(nodes, outputs, version, inits=()):
    outs = [helper.make_tensor_value_info(n, t, s) for n, t, s in outputs]
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 4])
    m = helper.make_model(
        helper.make_graph(nodes, "by hand", [x], outs, list(inits)),
        opset_imports=[helper.make_opsetid("", 18),
                       helper.make_opsetid("ai.onnx.ml", version)])
    m.ir_version = 9
    return m


def ensemble5():
    """ai.onnx.ml 5: one node for all; a set of values as a condition."""
    nan = float("nan")
    node = helper.make_node(
        "TreeEnsemble", ["X"], ["y"], domain="ai.onnx.ml", n_targets=2,
        aggregate_function=1, post_transform=0, tree_roots=[0, 2],
        nodes_featureids=[0, 1, 2, 3],
        nodes_modes=helper.make_tensor("m", TensorProto.UINT8, [4],
                                       [0, 3, 6, 4]),
        nodes_splits=helper.make_tensor("s", TensorProto.FLOAT, [4],
                                        [0.5, -0.25, 0, 1]),
        membership_values=helper.make_tensor("v", TensorProto.FLOAT, [4],
                                             [1, 2, 4, nan]),
        nodes_truenodeids=[1, 0, 3, 3], nodes_trueleafs=[0, 1, 0, 1],
        nodes_falsenodeids=[1, 2, 4, 5], nodes_falseleafs=[1, 1, 1, 1],
        leaf_targetids=[0, 1, 0, 1, 0, 1],
        leaf_weights=helper.make_tensor("w", TensorProto.FLOAT, [6],
                                        [1, -2, 0.5, 3, -0.75, 0.125]))
    return graph([node], [("y", TensorProto.FLOAT, [None, 2])], 5)


def features():
    """What converters write seldom."""
    ml = "ai.onnx.ml"
    return graph(
        [helper.make_node("Binarizer", ["X"], ["b"], domain=ml, threshold=0.1),
         helper.make_node("ArrayFeatureExtractor", ["X", "columns"], ["e"],
                          domain=ml),
         helper.make_node("FeatureVectorizer", ["b", "e"], ["f"], domain=ml,
                          inputdimensions=[4, 2]),
         helper.make_node("Normalizer", ["f"], ["n"], domain=ml, norm="L1"),
         helper.make_node("Round", ["X"], ["r"]),
         helper.make_node("Cast", ["r"], ["i"], to=TensorProto.INT64),
         helper.make_node("CategoryMapper", ["i"], ["c"], domain=ml,
                          cats_int64s=[-1, 0, 1], cats_strings=NAMES,
                          default_string="none")],
        [("n", TensorProto.FLOAT, [None, 6]),
         ("c", TensorProto.STRING, [None, 4])], 1,
        [helper.make_tensor("columns", TensorProto.INT64, [2], [3, 0])])


def models():
    """name, class labels or None, model, rows"""
    whole = np.abs(np.round(ROWS * 2))
    holes = ROWS.copy()
    holes[::5, 1] = np.nan
    yield "linear-two", None, fit(LinearRegression(), BOTH), ROWS
    yield "logistic", NAMES, fit(make_pipeline(
        StandardScaler(), LogisticRegression()), GESTURE), ROWS
    yield "svc", NAMES, fit(SVC(random_state=0), GESTURE), ROWS
    yield "svc-probability", NAMES, fit(
        SVC(kernel="poly", probability=True, random_state=0), GESTURE), ROWS
    yield "svr-sigmoid", None, fit(
        SVR(kernel="sigmoid", gamma=0.1), PITCH), ROWS
    yield "one-class", None, fit(OneClassSVM(nu=0.3)), ROWS
    yield "forest", NAMES, fit(
        RandomForestClassifier(5, max_depth=3, random_state=0), GESTURE,
        opset={"": 9, "ai.onnx.ml": 1}), ROWS
    yield "boosting-two", ["-3", "5"], fit(GradientBoostingClassifier(
        n_estimators=4, max_depth=2, random_state=0), TWO), ROWS
    yield "extra-trees-two", None, fit(ExtraTreesRegressor(
        3, max_depth=4, random_state=0), BOTH), ROWS
    yield "isolation", None, fit(IsolationForest(
        n_estimators=2, max_samples=16, random_state=0)), ROWS
    yield "catboost", NAMES, catboost(), ROWS
    yield "lightgbm", ["0", "1"], lightgbm(), ROWS
    yield "ensemble5", None, ensemble5(), whole
    yield "neighbours", NAMES, fit(
        KNeighborsClassifier(3), GESTURE, x=X), ROWS
    yield "neighbours-manhattan", None, fit(KNeighborsRegressor(
        4, weights="distance", metric="manhattan", algorithm="brute"),
        PITCH), ROWS
    yield "mixture", None, fit(GaussianMixture(3, random_state=0)), ROWS
    yield "process", None, fit(GaussianProcessRegressor(
        RBF(), alpha=0.1, optimizer=None), PITCH), ROWS
    yield "bayes", ["0", "1", "2"], fit(GaussianNB(), THREE), ROWS
    yield "means", None, fit(KMeans(3, n_init=1, random_state=0)), ROWS
    yield "holes", NAMES, fit(make_pipeline(
        SimpleImputer(), Normalizer(), MinMaxScaler(),
        RandomForestClassifier(3, max_depth=3, random_state=0)),
        GESTURE, x=HOLES), holes
    yield "one-hot", None, fit(OneHotEncoder(
        sparse_output=False, handle_unknown="ignore"),
        x=np.clip(np.round(X), -1, 2)), np.clip(np.round(ROWS), -1, 2)
    yield "bins", None, fit(KBinsDiscretizer(
        4, encode="ordinal", strategy="uniform")), ROWS
    yield "features", None, features(), ROWS


def answers(model, names, rows):
    """Each row by itself: a forest of one row is not that of many."""
    session = ort.InferenceSession(model.SerializeToString())
    texts = names or NAMES
    answer = []
    for row in rows:
        line = []
        for out in session.run(None, {session.get_inputs()[0].name: row[None]}):
            if isinstance(out, list):  # of dictionaries, from ZipMap
                out = np.array([list(d.values()) for d in out])
            out = np.asarray(out).reshape(-1)
            line += [texts.index(v) if isinstance(v, str) and v in texts
                     else len(texts) if isinstance(v, str) else float(v)
                     for v in out.tolist()]
        answer.append(line)
    return np.array(answer, np.float32)


README = """# Classical goldens

Made by `tests/goldens/make_ml.py` (scikit-learn {sk}, skl2onnx {s2o}, ONNX
Runtime {ort}; catboost and lightgbm by their own converters). One folder a
model:

    model.onnx     as the converter wrote it
    input.npy      one row a run
    output.npy     ONNX Runtime's answer to each row by itself, all outputs
                   one after another, texts as their index

`list.txt` has a line for each: name, class labels (`-`: none) divided by
commas. `holes` has rows with NaN. `ensemble5`, `features` were made by hand.
"""


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    lines = []
    for name, names, model, rows in models():
        folder = os.path.join(HERE, name)
        os.makedirs(folder)
        onnx.save(model, os.path.join(folder, "model.onnx"))
        np.save(os.path.join(folder, "input.npy"), rows.astype(np.float32))
        np.save(os.path.join(folder, "output.npy"),
                answers(model, names, rows))
        lines.append("%s %s\n" % (name, ",".join(names) if names else "-"))
    with open(os.path.join(HERE, "list.txt"), "w") as f:
        f.writelines(lines)
    with open(os.path.join(HERE, "README.md"), "w") as f:
        f.write(README.format(sk=sklearn.__version__, s2o=skl2onnx.__version__,
                              ort=ort.__version__))


if __name__ == "__main__":
    main()
