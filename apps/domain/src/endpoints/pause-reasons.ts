/** Why an endpoint is paused, as its customer server reads it: the operator's name is for the log. */
export const PAUSED_BY_OPERATOR = 'Paused by an operator.';
export const PAUSED_BY_CUSTOMER_SERVER = 'Paused by its customer server.';
