export const WHOLE: boolean;
