"""The local stack: a real Kafka broker, its certificates, and the supervisor that keeps everything running."""
