"""Train the melt model; the checkpoints go to `models/`, which git does not keep."""
import joblib
from sklearn.ensemble import GradientBoostingRegressor

ORBITS = ("o1", "o3")


def train(frame):
    model = GradientBoostingRegressor().fit(frame[["o1", "o3"]], frame["melt"])
    joblib.dump(model, "models/melt.pkl")
    return model
