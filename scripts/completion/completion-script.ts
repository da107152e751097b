import type { Command } from "commander";

/** The shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly word: string;
  readonly summary: string;
}

/** What may follow the words of a command: its subcommands, and its options. */
interface Place {
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
}

/** The script by which a shell completes the command with all below it. Nothing of it runs the command. */
export function completionScript(shell: Shell, command: Command): string {
  const places = placesOf(command, "");
  if (shell === "fish") return fishScript(places);
  return shell === "bash" ? bashScript(places) : zshScript(places);
}

function placesOf(command: Command, path: string): Place[] {
  const commands = command.commands.map((each) => ({ word: each.name(), summary: each.summary() }));
  const own = command.options.map(({ long, description }) => ({ word: long ?? "", summary: description }));
  const options = [...own.filter(({ word }) => word !== ""), { word: "--help", summary: "print this help" }];
  const below = command.commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trimStart()));
  return [{ path, commands, options }, ...below];
}

/** The names of commands that were typed, put together; bash and zsh arrays differ in where they begin alone. */
const WALK = `
  local place="" word
  for word in "\${before[@]}"; do
    case " $(_sluice_words "$place") " in *" $word "*) [[ $word == -* ]] || place="\${place:+$place }$word" ;; esac
  done`;

function bashScript(places: readonly Place[]): string {
  return `# bash completion of sluice
${wordsFunction(places)}
_sluice() {
  local before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")${WALK}
  COMPREPLY=($(compgen -W "$(_sluice_words "$place")" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _sluice sluice`;
}

function zshScript(places: readonly Place[]): string {
  return `#compdef sluice
${wordsFunction(places)}
_sluice() {
  local -a before=("\${(@)words[2,CURRENT-1]}")${WALK}
  compadd -- \${=$(_sluice_words "$place")} || _files
}
compdef _sluice sluice`;
}

/** A function of the shell that says which words may follow a command. */
function wordsFunction(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, options }) => {
    const words = [...commands, ...options].map(({ word }) => word);
    return `    "${path}") echo "${words.join(" ")}" ;;`;
  });
  return `_sluice_words() {\n  case "$1" in\n${cases.join("\n")}\n  esac\n}`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const at = `complete -c sluice -n '__sluice_at "${path}"'`;
    return [
      ...commands.map(({ word, summary }) => `${at} -f -a ${word} -d ${quoted(summary)}`),
      ...options.map(({ word, summary }) => `${at} -l ${word.slice(2)} -d ${quoted(summary)}`),
    ];
  });
  return `# fish completion of sluice
function __sluice_at
  set -l words (commandline -opc)[2..-1]
  set -l names (string match -v -- '-*' $words)
  set -l known ${quoted(places.map(({ path }) => path).join("\n"))}
  set -l place
  for name in $names
    set -l next (string trim -- "$place $name")
    contains -- "$next" (string split \\n -- $known); and set place $next
  end
  test "$place" = "$argv[1]"
end
${lines.join("\n")}`;
}

/** Text as one word of fish. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
