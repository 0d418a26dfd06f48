"""What bash, zsh and fish need to complete: a script for each, and how it reads the answers.

Unlike click's own scripts, these complete the path in ``key=@PATH``, add no space after ``key=``, and leave
descriptions whole.
"""

from __future__ import annotations

import os
from typing import ClassVar, Final

from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete, split_arg_string

# Passes the line as it was typed: bash splits URLs and key=value at each : and =, and completes @PATH as a host name.
_BASH: Final = """\
%(complete_func)s() {
    local type value path
    COMPREPLY=()
    while IFS=, read -r type value; do
        case "$type" in
            dir) compopt -o dirnames ;;
            file)
                if [[ $2 != @* ]]; then
                    compopt -o default
                    continue
                fi
                while IFS= read -r path; do
                    [[ -d $path ]] && path+=/ && compopt -o nospace
                    COMPREPLY+=("@$(printf %%q "$path")")
                done < <(compgen -f -- "${2#@}") ;;
            plain) COMPREPLY+=("$value"); [[ $value == *= ]] && compopt -o nospace ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete "$1")
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

# Each answer is three lines, as click's: type, value, description. In an array for _describe, a colon ends the value.
_ZSH: Final = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local type value description
    local -a whole begun
    for type value description in "${(@f)$(
        COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) %(complete_var)s=zsh_complete $words[1] 2>/dev/null
    )}"; do
        case "$type" in
            dir) _path_files -/ ;;
            file) compset -P 1 '*@'; _path_files ;;
            plain)
                [[ $description == _ ]] && description= || description=":$description"
                if [[ $value == *= ]]; then
                    begun+=("${value//:/\\\\:}$description")
                else
                    whole+=("${value//:/\\\\:}$description")
                fi ;;
        esac
    done
    (( $#whole )) && _describe -V %(prog_name)s whole -U
    (( $#begun )) && _describe -V %(prog_name)s begun -U -S ''
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

# fish itself adds no space after a word that ends in = and takes what follows a tab for the description.
_FISH: Final = """\
function %(complete_func)s
    set -l answers (COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) \
%(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
    for answer in $answers
        set -l parts (string split --max 1 , -- $answer)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                set -l before (string match --regex '^[^@]*@' -- $parts[2])
                set -l typed (string replace --regex '^[^@]*@' '' -- $parts[2])
                for path in (__fish_complete_path "$typed")
                    printf "%%s\\n" "$before$path"
                end
            case plain
                printf "%%s\\n" $parts[2]
        end
    end
end
complete --command %(prog_name)s --no-files --keep-order --arguments "(%(complete_func)s)"
"""


class Bash(BashComplete):
    """bash, 4.4 or newer."""

    source_template: ClassVar[str] = _BASH
    _incomplete = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        typed = os.environ.get("COMP_LINE", "")
        words = split_arg_string(typed)[1:]
        self._incomplete = words.pop() if words and not typed[-1:].isspace() else ""
        return words, self._incomplete

    def format_completion(self, item: CompletionItem) -> str:
        start = max(self._incomplete.rfind(":"), self._incomplete.rfind("=")) + 1  # where bash's own word starts
        return f"{item.type},{item.value[start:] if item.type == 'plain' else item.value}"


class Zsh(ZshComplete):
    """zsh."""

    source_template: ClassVar[str] = _ZSH

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.type}\n{item.value}\n{item.help or '_'}"


class Fish(FishComplete):
    """fish, 3.1 or newer."""

    source_template: ClassVar[str] = _FISH
