from openai import OpenAI

client = OpenAI()
threads: dict[str, str] = {}


def create_run(thread_id: str, assistant_id: str):
    """A run of the assistant, not of ours."""
    run = client.beta.threads.runs.create(thread_id=thread_id, assistant_id=assistant_id)
    threads[run.id] = thread_id
    return run


def update_run(run_id: str, **metadata: str):
    return client.beta.threads.runs.update(run_id, thread_id=threads[run_id], metadata=metadata)


def get_or_create_thread(key: str) -> str:
    if key not in threads:
        threads[key] = client.beta.threads.create().id
    return threads[key]
