"""Settings with which a whole system is started for tests."""

# One machine plays all people: what protects the system from one address would stop the tests.
GENEROUS = ",".join(
    f"{bucket}=100000/60"
    for bucket in ("auth.address", "write.address", "read.address", "upload.address", "media.address")
)
GATEWAYS = {name: {"HELIOGRAPH_RATE_LIMITS": GENEROUS} for name in ("gateway", "gateway-upload")}
