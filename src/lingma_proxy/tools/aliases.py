"""What models call tools and arguments that a client has named otherwise.

Models were taught by other clients: one knows `read_file`, the next `Read`.  Names in one
line mean the same; a name may stand in several lines.  They are written `plain`: in small
letters, and without what is none.  Whether one of them is meant is for the toolbox to say.
"""

import re
from collections.abc import Iterable

ODD = re.compile(r"[\W_]+")


def plain(name: str) -> str:
    """How a name is compared: `read_file`, `read-file` and `ReadFile` are one."""
    return ODD.sub("", name).casefold()


def _groups(*lines: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(map(plain, line.split())) for line in lines)


TOOLS = _groups(
    # runs a command
    """bash shell sh zsh terminal cmd command exec powershell pwsh run_command execute_command
    exec_command shell_command local_shell run_shell_command run_terminal_cmd
    run_terminal_command run_in_terminal execute_bash run_bash execute_shell_command""",
    # reads a file
    """read read_file readfile open_file view_file view cat load_file file_read read_text_file
    fs_read""",
    # writes a file
    "write write_file writefile write_to_file create_file save_file file_write fs_write",
    # changes a file
    """edit edit_file file_edit patch apply_patch write_patch modify_file patch_file
    replace_in_file str_replace search_replace str_replace_editor""",
    # looks for text in files
    """grep rg ripgrep search search_file search_files search_file_content grep_search
    search_text""",
    # looks for files by their names
    "glob find find_files file_search glob_file_search search_file search_files",
    # lists a folder
    "ls dir list list_dir list_directory list_files list_folder search_files",
    # searches the web
    "web_search websearch search_web internet_search google_search google_web_search search",
    # fetches a page
    """web_fetch webfetch fetch fetch_url url_fetch web_extract webextract open_url read_url
    fetch_page""",
    # keeps a list of what is to be done
    "todo_write todowrite write_todos update_todo_list update_plan",
)

ARGUMENTS = _groups(
    "path file_path filepath filename file_name file target_file absolute_path",
    "path directory dir dir_path directory_path folder folder_path target_directory",
    "command cmd command_line shell_command bash_command script",
    "workdir cwd working_directory work_dir",
    "content contents file_text file_content text new_content",
    "old_string old_str old_text search",
    "new_string new_str new_text replace replacement",
    "pattern regex regexp glob glob_pattern file_pattern search_pattern",
    "query q search_query search_term question",
    "pattern query search_term",
    "url uri link",
)
"""Not those that differ in their unit, as `timeout` and `timeout_ms` do."""


def also_called(name: str, groups: Iterable[frozenset[str]]) -> frozenset[str]:
    """All names, written plain, that may mean what this one means; itself is not among them."""
    own = plain(name)
    return frozenset().union(*(group for group in groups if own in group)) - {own}
