/** The configured key of every service that tests start. */
export const serviceKey = `magi_${'TestsOfTheService'.padEnd(43, '0')}`;

/** What requests with it carry. */
export const authorized = { authorization: `Bearer ${serviceKey}` };
