import { type CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../tokens';

const REFERENCE = /^(?:(?<kind>\w+):)?(?<name>[^@]*)(?:@(?<selector>.*))?$/;

/** A reference taken apart. */
export interface IReference {
  readonly kind: string;
  readonly name: string;
  /** The version's number, when the selector is one. */
  readonly version: number | null;
}

/** Take `model:delay@3` apart. */
export function parseReference(reference: string): IReference {
  const { kind = '', name = reference, selector = '' } = REFERENCE.exec(reference)?.groups ?? {};
  return { kind, name, version: /^\d+$/.test(selector) ? Number(selector) : null };
}

/** Open what a reference names, when it has a panel. */
export function openReference(commands: CommandRegistry, reference: string): void {
  const { kind, name, version } = parseReference(reference);
  const command = { model: CommandIDs.openModel, dataset: CommandIDs.openDataset }[kind];
  if (command) {
    void commands.execute(command, { name, version });
  }
}
