"""The client of the cache's server."""

from typing import Any

import redis


class DirectClient(redis.Redis):
    """Sends each command once, and reads its answer.

    redis-py's own goes by way of its retries and its OpenTelemetry, which are off here and take a
    third of the time of a short command all the same.
    """

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """Raises RedisError, and whatever an answer that is none raises in the parser."""
        connection: Any = self.connection_pool.get_connection()
        try:
            connection.send_command(*arguments)
            return self.parse_response(  # type: ignore[no-untyped-call]
                connection, arguments[0], **options
            )
        except redis.ResponseError:  # a whole answer, after which the next can be asked for
            raise
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self.connection_pool.release(connection)
