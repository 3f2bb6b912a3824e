"""Minutes to hours of full load: does it throttle, slow down, or leak?"""
