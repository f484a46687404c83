"""What a staged day must fulfil before it is published, judged by Great Expectations."""
