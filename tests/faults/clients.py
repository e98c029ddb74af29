"""How the clients of these tests reach the platform's listener, in the words of each library."""

from lake.home import InternalKafka


def librdkafka(kafka: InternalKafka) -> dict[str, str]:
    """Settings of confluent_kafka."""
    return {
        "bootstrap.servers": kafka.bootstrap,
        "security.protocol": kafka.security_protocol,
        "ssl.ca.location": str(kafka.cafile),
        "ssl.certificate.location": str(kafka.certfile),
        "ssl.key.location": str(kafka.keyfile),
    }
