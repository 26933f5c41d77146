import requests

CREATE = """
mutation Create($id: ID!) {
  createRun(table: "Client Run Results", id: $id) { id }
}
"""
UPDATE = "mutation { updateRun(id: %s, status: COMPLETED) { id } }"


def graphql(query, **variables):
    return requests.post("https://api.example.com/graphql", json={"query": query, "variables": variables}, timeout=9)


def create_run(run_id):
    return graphql(CREATE, id=run_id)


def update_run(run_id):
    return graphql(UPDATE % run_id)


def main():
    for run_id in ("a", "b"):
        create_run(run_id)
        update_run(run_id)


if __name__ == "__main__":
    main()
