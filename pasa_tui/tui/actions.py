"""Every action of the application, once: bindings, footer, command palette and help read this list."""

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do.

    `name` is the method `action_<name>` of the screen or pane that `group` stands for; `keys` are Textual's
    names, the first one shown. `footer` puts it into the footer while that place has the focus.
    """

    group: str
    name: str
    keys: str
    label: str
    help: str
    footer: bool = False

    @property
    def binding(self) -> Binding:
        """As Textual takes it. The id lets a keymap move it to another key."""
        return Binding(
            self.keys,
            self.name,
            self.label,
            tooltip=self.help,
            show=self.footer,
            id=f"{self.group}.{self.name.partition('(')[0]}{_argument(self.name)}",
        )

    @property
    def key_names(self) -> str:
        """The keys as a person reads them."""
        return " ".join(key.strip().replace("question_mark", "?").replace("slash", "/") for key in self.keys.split(","))


ACTIONS = (
    Action("search", "edit_query", "slash", "Question", "Write or change the question", True),
    Action("search", "new_search", "n", "New", "Begin with an empty question", True),
    Action("search", "stop", "escape", "Stop", "Stop the search; what was found is kept", True),
    Action("search", "history", "f4,h", "History", "Open, resume or delete past searches", True),
    Action(
        "search",
        "export",
        "f6,e",
        "Export",
        "Papers to a file or the clipboard, as BibTeX, RIS, CSV, …",
        True,
    ),
    Action("search", "corpus", "f2,c", "Where", "Choose where to search: the live sources, or a corpus"),
    Action("search", "cut_off", "f3,b", "Cut-off", "Set the last day papers may date from"),
    Action("search", "model", "f9,m", "Model", "Choose what searches: the builtin agent, or a model"),
    Action("search", "resume", "r", "Resume", "Go on with the search shown, where it stopped"),
    Action("search", "refine", "R", "Refine", "Search for the changed question, going on from the papers found"),
    Action("search", "show_pane('log')", "1", "Log", "Go to the Crawler's actions"),
    Action("search", "show_pane('results')", "2", "Results", "Go to the ranked papers"),
    Action("search", "show_pane('paper')", "3", "Paper", "Go to the paper's abstract"),
    Action("search", "hand_step('expand')", "E", "Expand", "Follow all citations of the paper under the cursor"),
    Action("search", "hand_step('similar')", "S", "Similar", "Search for papers like the one under the cursor"),
    Action("search", "pictures", "p", "Pictures", "Plots of this search: growth, scores, years, citations"),
    Action("search", "report", "P", "Report", "Write this search as one HTML file with its plots"),
    Action("search", "zotero", "Z", "Zotero", "Put papers into a collection of Zotero"),
    Action("search", "undo", "u,ctrl+z", "Undo", "Take back the last star, tag, note or rejection"),
    Action("search", "maximize", "M,f11", "Maximise", "The pane with the focus alone; escape brings the others back"),
    Action("search", "move_border('left',-1)", "ctrl+left", "Narrower", "Make the left column narrower"),
    Action("search", "move_border('left',1)", "ctrl+right", "Wider", "Make the left column wider"),
    Action("search", "move_border('results',-1)", "ctrl+shift+up", "Shorter", "Make the list of papers smaller"),
    Action("search", "move_border('results',1)", "ctrl+shift+down", "Taller", "Make the list of papers larger"),
    Action("search", "reset_layout", "equals_sign", "Even", "Panes as they were designed"),
    Action("search", "jump", "ctrl+o", "Jump", "Show a letter on every place; the next key goes there"),
    Action("search", "theme", "T", "Theme", "Choose a theme by looking at it"),
    Action("search", "settings", "f12,comma", "Settings", "Change settings, which are kept in the settings file"),
    Action("search", "help", "f1,question_mark", "Help", "Show all keys", True),
    Action("query", "submit", "enter,f5", "Search", "Search for this question", True),
    Action("query", "newline", "ctrl+j,alt+enter", "New line", "Begin a new line", True),
    Action("query", "past_question(-1)", "ctrl+up", "Earlier", "The question of an earlier search"),
    Action("query", "past_question(1)", "ctrl+down", "Later", "The question of a later search"),
    Action("query", "external_editor", "ctrl+e", "Editor", "Write the question in $EDITOR"),
    Action("query", "leave", "escape", "Leave", "Go to the results", True),
    Action("results", "cursor_down", "down,j", "Down", "Next paper"),
    Action("results", "cursor_up", "up,k", "Up", "Previous paper"),
    Action("results", "page_down", "pagedown,ctrl+f", "Page down", "A page further"),
    Action("results", "page_up", "pageup,ctrl+b", "Page up", "A page back"),
    Action("results", "first", "home,g", "First", "The best paper"),
    Action("results", "last", "end,G", "Last", "The last paper"),
    Action("results", "mark('star')", "s", "Star", "Star this paper or those picked, or take the star away", True),
    Action("results", "mark('reject')", "x", "Reject", "Reject this paper or those picked; they leave the list", True),
    Action("results", "mark('tag')", "t", "Tag", "Give tags to this paper or those picked"),
    Action("results", "mark('note')", "i", "Note", "Write a note on this paper"),
    Action("results", "mark('copy')", "y", "Copy link", "Copy the link; through the terminal, so also over SSH"),
    Action("results", "mark('open')", "w", "Open link", "Open the paper's page in the browser"),
    Action("results", "filter", "f", "Filter", "Show only papers with the words you type; #tag for a tag", True),
    Action("results", "sort", "o", "Sort", "Sort by date, title, depth, source, score"),
    Action("results", "reverse", "O", "Reverse", "Turn the order round"),
    Action("results", "toggle_all", "a", "All", "Show all judged papers, or only the selected", True),
    Action("results", "view", "v", "View", "Show the starred, tagged, rejected or new papers alone"),
    Action("results", "pick", "space", "Pick", "Pick several papers for one action"),
    Action("results", "pick_to(1)", "shift+down,J", "Pick down", "Pick a range, downwards"),
    Action("results", "pick_to(-1)", "shift+up,K", "Pick up", "Pick a range, upwards"),
    Action("results", "pick_all", "ctrl+a", "Pick all", "Pick all that are listed, or none"),
    Action("results", "drop_picks", "escape", "Drop", "Drop the picks and the filter"),
    Action("results", "read", "enter", "Read", "Go to this paper's abstract"),
    Action("paper", "scroll_down", "down,j", "Down", "A line further"),
    Action("paper", "scroll_up", "up,k", "Up", "A line back"),
    Action("log", "cursor_down", "down,j", "Down", "Next line"),
    Action("log", "cursor_up", "up,k", "Up", "Previous line"),
    Action("log", "toggle_node", "space", "Fold", "Fold or unfold", True),
    Action("log", "select_cursor", "enter", "Go to paper", "Show the paper of this line in the results", True),
    Action("log", "filter", "f", "Filter", "Show only lines with the words you type", True),
    Action("log", "last", "end,G", "Follow", "To the end, and follow it", True),
    Action("log", "first", "home,g", "First", "To the first line"),
    Action("log", "fold_all", "z", "Fold all", "Fold every line"),
    Action("history", "open", "enter", "Open", "Open this search as it was", True),
    Action("history", "resume", "ctrl+r", "Resume", "Go on where this search stopped", True),
    Action("history", "rerun", "ctrl+n", "Again", "Search for the same once more, to see what is new since", True),
    Action("history", "papers", "f3", "Papers", "Find papers of all searches instead, or searches again", True),
    Action("history", "rename", "f2", "Rename", "Give this search a title", True),
    Action("history", "pick", "f5", "Pick", "Pick searches to compare or merge", True),
    Action("history", "compare", "f6", "Compare", "What only one of two searches has, and what both have", True),
    Action("history", "merge", "f7", "Merge", "Make one search of those picked"),
    Action("history", "duplicate", "f9", "Copy", "Keep a copy of this search"),
    Action("history", "delete", "f8", "Delete", "Put this search away", True),
    Action("history", "restore", "ctrl+z", "Undelete", "Bring back the search deleted last"),
    Action("history", "help", "f1", "Help", "Show all keys, these included", True),
    Action("history", "close", "escape", "Close", "Back to the search", True),
)

PLACES = {
    "search": "Anywhere",
    "query": "In the question",
    "results": "In the results",
    "paper": "In the paper",
    "log": "In the log",
    "history": "In the history",
}


def bindings(group: str) -> list[BindingType]:
    """The bindings of one place, for its BINDINGS."""
    return [action.binding for action in ACTIONS if action.group == group]


def _argument(name: str) -> str:
    argument = name.partition("(")[2].strip("')")
    return f".{argument}" if argument else ""
