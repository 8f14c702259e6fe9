"""What villagers raise (四事): every matter is discussed, assigned, done, shown and answered."""
