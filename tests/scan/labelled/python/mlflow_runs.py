import mlflow
import wandb


def start_run(name: str):
    run = mlflow.start_run(run_name=name)
    mlflow.log_param("table", "Client Run Results")
    return run.info.run_id


def update_run(run_id: str, **metrics: float) -> None:
    client = mlflow.tracking.MlflowClient()
    client.create_experiment("Client Run Results")
    for key, value in metrics.items():
        client.log_metric(run_id, key, value)
    client.update_run(run_id, status="FINISHED")


def track(name: str) -> None:
    with wandb.init(project=name) as run:
        run.config.update({"learning_rate": 0.1})
        run.log({"loss": 0.5})
        run.finish()
