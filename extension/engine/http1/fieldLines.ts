/** Leniently parses the field lines of a head or trailer section (RFC 9112 section 5), noting violations. */

import { isBlank, isToken, trimBlanks } from '../../http/fieldSyntax.ts';
import type { Field } from '../exchange.ts';
import { MAX_FIELDS, MAX_LATE_FRAMING_FIELDS } from '../limits.ts';
import type { RuleName } from '../violations.ts';
import { worstControl } from './characters.ts';
import { isFramingLookalike } from './framing.ts';
import { isFramingField } from './framingFields.ts';

export class FieldLines {
  readonly fields: Field[] = [];
  /** Framing fields that came after a bound was reached: not shown, but obeyed. */
  readonly late: Field[] = [];
  /** A bound was reached. */
  incomplete = false;

  readonly #broken: (name: RuleName) => void;
  #name: string | null = null;
  #value = '';
  #lateNext = false;
  /** Parts of a folded value; joined once, so that many folds do not take quadratic time. */
  #folds: string[] | null = null;
  #ignoring = true;

  constructor(broken: (name: RuleName) => void) {
    this.#broken = broken;
  }

  /**
   * @param line without its line end, not empty.
   * @param keep false when the bound on bytes is reached: only framing fields are taken.
   */
  add(line: string, keep: boolean): void {
    if (isBlank(line.charCodeAt(0))) {
      this.#fold(line, keep);
      return;
    }
    this.#flush();
    this.#ignoring = false;
    const colon = line.indexOf(':');
    let name: string;
    let value: string;
    if (colon < 0) {
      this.#broken('no-colon');
      name = trimBlanks(line);
      value = '';
    } else {
      let end = colon;
      while (end > 0 && isBlank(line.charCodeAt(end - 1))) end--;
      if (end !== colon) this.#broken('space-before-colon');
      name = line.slice(0, end);
      value = trimBlanks(line.slice(colon + 1));
      if (!isToken(name)) this.#broken('field-name');
      if (isFramingLookalike(name)) this.#broken('framing-lookalike');
    }
    const control = worstControl(line);
    if (control !== 'none') this.#control(control);
    const full = this.fields.length >= MAX_FIELDS;
    if (full) this.#broken('too-many-fields');
    this.#lateNext = !keep || full;
    if (this.#lateNext) {
      this.incomplete = true;
      if (!isFramingField(name.toLowerCase()) || this.late.length >= MAX_LATE_FRAMING_FIELDS) return;
    }
    this.#name = name;
    this.#value = value;
  }

  finish(): void {
    this.#flush();
  }

  #fold(line: string, keep: boolean): void {
    if (this.#ignoring) {
      this.#broken('space-before-fields');
      return;
    }
    this.#broken('obs-fold');
    const control = worstControl(line);
    if (control !== 'none') this.#control(control);
    if (!keep) this.incomplete = true;
    if (this.#name === null || !keep) return;
    this.#folds ??= [this.#value];
    this.#folds.push(trimBlanks(line));
  }

  #control(control: 'nul' | 'cr' | 'other'): void {
    if (control === 'nul') this.#broken('field-nul');
    else if (control === 'cr') this.#broken('bare-cr');
    else this.#broken('field-control');
  }

  #flush(): void {
    if (this.#name === null) return;
    const value = this.#folds === null ? this.#value : this.#folds.filter((part) => part !== '').join(' ');
    (this.#lateNext ? this.late : this.fields).push([this.#name, value]);
    this.#name = null;
    this.#folds = null;
  }
}
