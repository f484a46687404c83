import pytest, os
pytestmark = pytest.mark.xdist_group("g")
@pytest.mark.parametrize("i", range(6))
def test_a(i): print(os.environ["PYTEST_XDIST_WORKER"])
