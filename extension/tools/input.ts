/** The input of a tool, which a language model has written: checked by hand, with errors that it can act on. */
import { ToolError } from './callSource.ts';

export class ToolInput {
  readonly #values: Readonly<Record<string, unknown>>;

  /** @param known names that the tool accepts. @throws ToolError */
  constructor(value: unknown, known: readonly string[]) {
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) {
      throw new ToolError('The input has to be an object.');
    }
    this.#values = { ...value };
    const unknown = Object.keys(this.#values).find((name) => !known.includes(name));
    if (unknown !== undefined) {
      throw new ToolError(
        `There is no input ${JSON.stringify(unknown.slice(0, 60))}. There is: ${known.join(', ')}.`,
      );
    }
  }

  text(name: string): string | null {
    const value = this.#values[name];
    if (value === undefined) return null;
    if (typeof value !== 'string') throw new ToolError(`${name} has to be a text.`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    if (value !== undefined && typeof value !== 'boolean')
      throw new ToolError(`${name} has to be true or false.`);
    return value === true;
  }

  /** @param fallback if it is omitted; null: it is required. */
  count(name: string, min: number, max: number, fallback: number | null): number {
    const value = this.#values[name] ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw new ToolError(`${name} has to be a whole number from ${min} to ${max}.`);
    }
    return value;
  }
}
