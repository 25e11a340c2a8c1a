/** The environment cannot be used. One message names every fault, and never the value of a secret. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    const count = faults.length === 1 ? 'one setting is' : `${faults.length} settings are`;
    super(`Cannot start: ${count} wrong.\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}
