import { z } from 'zod';

/** What a key may do: look, make and change videos, manage the keys of all accounts. */
export const Scope = z.enum(['read', 'generate', 'admin']);
export type Scope = z.infer<typeof Scope>;
