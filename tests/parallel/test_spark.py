"""Spark's data frames, in local mode."""

import decimal
import os
import shutil
import sys
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError

from sklearn_deepod.parallel import SparkDetector
from tests.parallel.common import (
    FEATURES,
    KillsItsUser,
    make_forest,
    recipe_blocks,
    run_recipe,
)

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs Java, and there is none", allow_module_level=True)

# Said of pandas 3 by Spark 4.3 wherever it meets a frame.
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet:FutureWarning")


@pytest.fixture(scope="module")
def spark():
    """Two cores in this process; a task that fails is tried four times."""
    builder = pyspark.sql.SparkSession.builder.master("local[2, 4]")
    settings = {
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # starts faster
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "60",
        "spark.sql.session.timeZone": "Europe/Berlin",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


def collected(df):
    """Rows as they were before Spark parted them."""
    return df.toPandas().sort_values("i").reset_index(drop=True)


def test_results_are_those_in_memory(spark, frame, forest):
    df = spark.createDataFrame(frame.assign(i=range(1000))).repartition(3)
    scored = SparkDetector(forest).transform(df)
    assert scored.columns == ["id", *FEATURES, "i", "score", "decision", "label"]
    assert dict(scored.dtypes)["label"] == "tinyint"
    scored = collected(scored)
    X = frame[FEATURES]
    assert [*scored["id"]] == [*frame["id"]]
    np.testing.assert_array_equal(scored["score"], forest.score_samples(X))
    np.testing.assert_array_equal(scored["decision"], forest.decision_function(X))
    np.testing.assert_array_equal(scored["label"], forest.predict(X))


def test_types_and_values_of_other_columns_stay(spark, forest):
    schema = (
        "i int, whole long, small short, money decimal(9, 2), day date, "
        "time timestamp, list array<int>, inner struct<a: string, b: double>, "
        "raw binary, a float, b double, c int"
    )
    rows = [
        (
            i,
            None if i == 3 else 2**60 + i,
            i,
            decimal.Decimal(i).scaleb(-2),
            date(2026, 1, 1 + i),
            datetime(2026, 1, 1, i, tzinfo=UTC),
            [i, None],
            (f"é{i}", None),
            bytes([i]),
            0.5 * i,
            None,
            i,
        )
        for i in range(10)
    ]
    df = spark.createDataFrame(rows, schema)
    scored = SparkDetector(forest).transform(df)
    assert scored.schema.fields[:-3] == df.schema.fields
    found = [tuple(row)[:-3] for row in scored.collect()]
    assert found == [tuple(row) for row in df.collect()]


def test_columns_are_chosen(spark, frame):
    unnamed = make_forest(frame[["c", "a"]].to_numpy())
    df = spark.createDataFrame(frame.assign(i=range(1000)))
    scored = collected(SparkDetector(unnamed, columns=["c", "a"]).transform(df))
    expected = unnamed.score_samples(frame[["c", "a"]].to_numpy())
    np.testing.assert_array_equal(scored["score"], expected)
    with pytest.raises(ValueError, match="Give columns="):
        SparkDetector(unnamed).transform(df)
    with pytest.raises(ValueError, match=r"no column\(s\) \['z'\]"):
        SparkDetector(unnamed, columns=["c", "z"]).transform(df)


def test_in_a_pipeline_of_spark(spark, frame, forest):
    from pyspark.ml import PipelineModel
    from pyspark.ml.feature import SQLTransformer

    df = spark.createDataFrame(frame)
    model = PipelineModel(
        [
            SQLTransformer(statement="SELECT * FROM __THIS__ WHERE a > 0"),
            SparkDetector(forest),
            SQLTransformer(statement="SELECT * FROM __THIS__ WHERE label = -1"),
        ]
    )
    X = frame[frame["a"] > 0]
    expected = X["id"][forest.predict(X[FEATURES]) == -1]
    assert {row["id"] for row in model.transform(df).collect()} == {*expected}


def test_killed_processes_cost_no_rows(spark, frame, forest, tmp_path):
    killer = KillsItsUser(forest, str(tmp_path), 2)
    df = spark.createDataFrame(frame.assign(i=range(1000))).repartition(4)
    scored = collected(SparkDetector(killer, columns=FEATURES).transform(df))
    assert len(os.listdir(tmp_path)) == 2
    np.testing.assert_array_equal(
        scored["score"], forest.score_samples(frame[FEATURES])
    )


def test_the_recipe_of_the_guide(spark, frame, folder):
    folder.rename(folder.with_name("transactions"))
    detector = run_recipe("Spark", folder.parent)["detector"]
    flagged = pd.read_parquet(folder.with_name("flagged")).sort_values("score")
    expected = frame[detector.predict(frame[FEATURES]) == -1]
    assert {*flagged["id"]} == {*expected["id"]}
    assert [*flagged] == ["id", *FEATURES, "score", "decision", "label"]


def test_processes_of_spark_train_together(spark, frame, tmp_path):
    X = frame[FEATURES].to_numpy()
    np.save(tmp_path / "rows.npy", X)
    recipe = recipe_blocks("Long fits")[-1].replace("batch_size=4096", "batch_size=64")
    recipe = recipe.replace("local_mode=False", "local_mode=True")  # twice as fast
    names = {"__name__": "__main__"}
    exec(recipe.replace('"rows.npy"', repr(str(tmp_path / "rows.npy"))), names)
    detector = names["detector"]
    assert detector.n_iter_ == 5
    far = np.vstack([X[:20], X.max(axis=0) + 10])
    assert detector.score_samples(far).argmin() == 20


def test_what_cannot_be_scored(spark, frame, forest):
    df = spark.createDataFrame(frame)
    with pytest.raises(NotFittedError):
        SparkDetector(IsolationForest()).transform(df)
    with pytest.raises(ValueError, match="names of results"):
        SparkDetector(forest).transform(df.withColumnRenamed("id", "label"))
