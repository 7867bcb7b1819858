from uuid import RFC_4122, UUID

from lingma_proxy.vendor.ids import dashed, new_id


def test_an_id_is_a_random_uuid():
    found = [UUID(new_id()) for _ in range(500)]

    assert {each.version for each in found} == {4}
    assert {each.variant for each in found} == {RFC_4122}
    assert len(set(found)) == 500


def test_dashes_stand_where_they_stand_in_a_uuid():
    id = new_id()

    assert dashed(id) == str(UUID(id))
