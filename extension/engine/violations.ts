/**
 * The rules of all protocols that messages can break: the section that states each, and a sentence for display.
 */
import { HTTP1_RULES } from './http1/violations.ts';
import { HTTP2_RULES } from './http2/violations.ts';

const RULES = { ...HTTP1_RULES, ...HTTP2_RULES };

export type RuleName = keyof typeof RULES;

export function ruleText(name: RuleName): { readonly rule: string; readonly message: string } {
  const [rule, message] = RULES[name];
  return { rule, message };
}
