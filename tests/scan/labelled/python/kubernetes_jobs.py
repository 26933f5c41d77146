from kubernetes import client, config

config.load_incluster_config()
batch = client.BatchV1Api()
runs: dict[str, client.V1Job] = {}


def create_run(run_id: str, image: str) -> client.V1Job:
    metadata = client.V1ObjectMeta(name=f"run-{run_id}", labels={"table": "client-run-results"})
    job = client.V1Job(metadata=metadata)
    runs[run_id] = batch.create_namespaced_job("default", job)
    return runs[run_id]


def update_run(run_id: str, parallelism: int) -> None:
    if run_id not in runs:
        create_run(run_id, "worker")
    batch.patch_namespaced_job(f"run-{run_id}", "default", {"spec": {"parallelism": parallelism}})
