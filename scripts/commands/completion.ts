import type { Command } from "commander";
import { completionScript, SHELLS } from "../completion/completion-script.ts";
import { createCommand, type Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";

/** `sluice completion`: prints what completes the command line in a shell; `sluice` gives the command with all below it. */
export function completionCommand({ print }: Terminal, sluice: () => Command): Command {
  return createCommand("completion", {
    summary: "print the script that completes sluice in a shell",
    description: `Prints a script that completes commands and options of sluice with the Tab key. It is for a shell that finds sluice itself, as in the containers or behind npm link; npx hides the command from the shell.`,
    examples: [
      "npx sluice completion bash > ~/.local/share/bash-completion/completions/sluice",
      "npx sluice completion zsh > ~/.zfunc/_sluice",
      "npx sluice completion fish > ~/.config/fish/completions/sluice.fish",
    ],
  })
    .argument("<shell>", "bash, zsh or fish")
    .action((given: string) => {
      const shell = SHELLS.find((each) => each === given);
      if (shell === undefined) throw new UsageError(`the shell is one of ${SHELLS.join(", ")}`);
      const script = completionScript(shell, sluice());
      print({ shell, script }, script);
    });
}
