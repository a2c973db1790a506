export function makeCertificate(key: string, certificate: string): void;
