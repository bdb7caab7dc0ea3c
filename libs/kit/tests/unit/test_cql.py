from kit.cql import statements


def test_a_script_is_cut_into_statements_without_comments() -> None:
    script = """
    -- the first; with a semicolon
    create table a (id int primary key); -- more
    create table b (
        id int -- the id
        primary key);

    """
    first, second = statements(script)
    assert first == "create table a (id int primary key)"
    assert second.split() == ["create", "table", "b", "(", "id", "int", "primary", "key)"]
