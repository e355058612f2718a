//! OpenTelemetry set-up, trace context through every carrier, span and metric names.
