/** Saved filters: lines of the filter's language, in a setting. */

/** Maximum saved filters, and characters of one. */
export const MAX_SAVED_FILTERS = 50;
export const MAX_SAVED_FILTER = 1_000;

/** Whether the setting is valid. */
export function isFilters(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_SAVED_FILTERS &&
    value.every((filter) => typeof filter === 'string' && filter.length <= MAX_SAVED_FILTER)
  );
}
