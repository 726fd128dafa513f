from tests.contract.asking import KEY, ask, publish_models
from tests.rig.server import serve

EXAMPLES, SEED = 10, 1


def test_the_service_does_what_its_openapi_document_says(tmp_path):
    publish_models(tmp_path)

    with serve(tmp_path, FOUNT_API_KEY=KEY) as service:
        service.wait_ready()
        run = ask(service, EXAMPLES, SEED)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 0" not in run.stdout
