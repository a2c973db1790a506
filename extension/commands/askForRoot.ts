/** Asks the user to let the loader run as root, once: in a terminal, or by polkit's dialog. */

import * as vscode from 'vscode';
import { TraceError } from '../capture/trace.ts';
import { Command } from '../contributions.ts';
import { commandLine } from '../elevation/install.ts';
import { type Offer, type Question, runOffer, WHAT_IT_READS } from '../elevation/launch.ts';
import { visibleMessage } from '../escape/terminal.ts';
import { t } from '../words/translate.ts';
import { runInTerminal } from './runInTerminal.ts';

const BUTTONS: Readonly<Record<Offer['prompt'], string>> = {
  dialog: t('Ask for Password'),
  terminal: t('Open Terminal'),
};
const INSTALL = t('Install Trusted Loader…');

/**
 * Shows the exact commands and what they will be able to read, and runs the one that the user chooses. Resolves
 * when it has ended, was refused or cancelled; never rejects.
 */
export async function askForRoot({ offers, trustedProblem }: Question): Promise<TraceError> {
  const picked = await vscode.window.showInformationMessage(
    t('HTTP Trace needs root to load its programs into the kernel.'),
    {
      modal: true,
      detail: [
        ...(trustedProblem === null ? [] : [visibleMessage(trustedProblem)]),
        ...offers.map(describe),
        WHAT_IT_READS,
        t('“{0}” asks once; after that, only when an update brings another loader.', INSTALL),
      ].join('\n\n'),
    },
    ...offers.map(({ prompt }) => BUTTONS[prompt]),
    INSTALL,
  );
  if (picked === INSTALL) {
    void vscode.commands.executeCommand(Command.installLoader);
    return new TraceError('cancelled', t('The trusted loader is being installed.'));
  }
  const offer = offers.find(({ prompt }) => BUTTONS[prompt] === picked);
  if (offer === undefined) return new TraceError('cancelled', t('The trace was not started.'));
  return offer.prompt === 'dialog' ? runOffer(offer, 'ignore') : inTerminal(offer.command);
}

function describe({ prompt, command }: Offer): string {
  const where =
    prompt === 'dialog'
      ? t('“{0}” runs this command, and a dialog of the system asks for a password:', BUTTONS.dialog)
      : t('“{0}” runs this command, and sudo asks for your password there:', BUTTONS.terminal);
  return `${where}\n${visibleMessage(commandLine(command))}`;
}

async function inTerminal(command: readonly string[]): Promise<TraceError> {
  const ended = await runInTerminal('HTTP Trace (sudo)', command);
  return ended === 'closed'
    ? new TraceError('cancelled', t('The terminal was closed.'))
    : new TraceError('no-permission', t('sudo did not grant the rights that HTTP Trace needs.'));
}
